/** What rules need of a device and of its bench beyond being there. */

/** What a rule has to have before it can be tested. */
export type RuleNeed =
  /** A device that answers `report`: everything else is asked through commands. */
  | 'answers'
  /** A device that takes `reserve` and `release` and is free: the kit executes nothing else. */
  | 'holds'
  /** A way to restart the device. */
  | 'restart'
  /** A server that is the kit's to stop and start. */
  | 'own-server';
