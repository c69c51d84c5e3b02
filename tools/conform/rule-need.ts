/** What rules need of the bench beyond a device. What they need of the device is said by the rules that they rest on. */

/** What a rule has to have before it can be tested. */
export type RuleNeed =
  /** A way to restart the device. */
  | 'restart'
  /** A server that is the kit's to stop and start. */
  | 'own-server'
  /** To be told how often the device reports when nothing happens. */
  | 'heartbeat';
