/** How much of the protocol a device speaks. A device of a level keeps the rules of that level and of all below it. */

/** The levels, the lowest first. */
export const LEVELS = ['sensor', 'answering', 'commanded', 'full'] as const;
export type Level = (typeof LEVELS)[number];

/** What a device of the level does, as a sentence with the device as its subject. */
export const LEVEL_MEANINGS: Readonly<Record<Level, string>> = {
  sensor: 'reports and nothing else; it takes no commands, and needs no storage',
  answering:
    'answers `report` and refuses every other command; what it knows of commands may be gone after a restart',
  commanded:
    'executes commands and keeps what it has to know in its storage; it may have room for one report that was not acknowledged',
  full: 'loses nothing in an outage, and no reservation in a restart',
};

/** True when a device of the level `spoken` has to keep what belongs to `level`. */
export function includes(spoken: Level, level: Level): boolean {
  return LEVELS.indexOf(level) <= LEVELS.indexOf(spoken);
}
