/**
 * Puts the page into the document.
 */
import { render, type VNode } from 'preact';
import { DevicePage } from './device/device-page.tsx';
import { FleetPage } from './fleet/fleet-page.tsx';
import { useRoute } from './route.ts';
import { Shell } from './shell/shell.tsx';

function Page(): VNode {
  const route = useRoute();
  return (
    <Shell>
      {route.view === 'fleet' ? (
        <FleetPage query={route.query} />
      ) : (
        <DevicePage key={route.device} device={route.device} query={route.query} />
      )}
    </Shell>
  );
}

const place = document.getElementById('page');
if (place === null) throw new Error('the document has no place for the page');
render(<Page />, place);
