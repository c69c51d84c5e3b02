/** Rare states (`rare-states.ts`) that a world notes as it enters them. */

/** States of a node, and of its connections, that nothing shows which is left in the end: they are noted as they are entered. */
export const NOTED_STATES = {
  fenced: 'a node was told by the store that a partition of it has another owner',
  'split-brain': 'two nodes took themselves for the owner of one partition',
  'taken-under-a-commit': 'a partition was taken while a commit of the owner before was under way',
  inquiry: 'what became of a commit had to be found out',
  'not-hearing': 'a node did not hear all that the streams hold',
  'stream-gone': 'a stream had lost what was not read yet, or was made anew',
  'wrong-hub': 'a node found that the clock of the hub is wrong, and not its own',
  'wrong-both': "a node found that its own clock and the hub's are both wrong",
  searching: 'a node searched for the message that the store refuses',
} as const;
export type NotedState = keyof typeof NOTED_STATES;
