/**
 * A disk that is small enough to be filled: a file system in memory of its own, on which Postgres keeps its reports. Only root
 * may mount one.
 */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseEye } from '../contract/database-eye.ts';
import { temporaryFolder } from './servers.ts';

/** SQLSTATE of a full disk. */
const DISK_FULL = '53100';

/** True where this process may mount a file system. */
export function mayMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0;
}

/** A disk with a tablespace on it. */
export interface SmallDisk {
  /** Writes to it until nothing more fits. */
  readonly fill: () => Promise<void>;
  /** Removes what filled it, for good. */
  readonly free: () => Promise<void>;
  /** Unmounts it; Postgres must not run any more. */
  readonly end: () => void;
}

/**
 * Mounts `megabytes` and moves all partitions of `report` onto it.
 *
 * @param eye a superuser's.
 * @param dataFolder of the Postgres: whose owner may write to the disk.
 */
export async function startSmallDisk(options: {
  readonly eye: DatabaseEye;
  readonly dataFolder: string;
  readonly megabytes: number;
}): Promise<SmallDisk> {
  const { eye, dataFolder, megabytes } = options;
  const { folder, remove } = temporaryFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${String(megabytes)}m,mode=755`, 'tmpfs', folder]);
  const place = join(folder, 'tablespace');
  mkdirSync(place, { mode: 0o700 });
  const { uid, gid } = statSync(dataFolder);
  chownSync(place, uid, gid);
  await eye.query(`create tablespace small location '${place}'`);
  const partitions = await eye.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'report'::regclass`,
  );
  for (const { name } of partitions) await eye.query(`alter table ${name} set tablespace small`);
  await eye.query('create table filler (line text) tablespace small');
  return {
    fill: async () => {
      for (;;) {
        try {
          await eye.query(`insert into filler select repeat('x', 4000) from generate_series(1, 100)`);
        } catch (error) {
          if ((error as { readonly code?: string }).code !== DISK_FULL) throw error;
          return;
        }
      }
    },
    free: async () => {
      await eye.query('drop table filler');
    },
    end: () => {
      execFileSync('umount', ['--lazy', folder]);
      remove();
    },
  };
}
