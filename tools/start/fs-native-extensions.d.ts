/** What is used of a package that comes without types. */
declare module 'fs-native-extensions' {
  /** Locks a file for this process; `false` when another one holds its lock. The system lets go of it when the process ends. */
  export function tryLock(fileDescriptor: number): boolean;
}
