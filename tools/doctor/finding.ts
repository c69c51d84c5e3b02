/** What the doctor says of one thing: as every start of a node says it. */
export { bad, becauseOf, type Finding, good, type Verdict, warning } from '../../src/setup/finding.ts';
