/** Puts the page into the document. */
import { render } from 'preact';

render(<p>Corral</p>, document.body);
