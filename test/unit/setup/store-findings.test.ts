import { describe, expect, test } from 'vitest';
import { isReachable, serverAddress } from '../../../src/setup/server-address.ts';
import { storeFindings, type StoreSettings } from '../../../src/setup/store-findings.ts';

const sound: StoreSettings = {
  fsync: 'on',
  fullPageWrites: 'on',
  synchronousCommit: 'on',
  listenAddresses: 'localhost',
  isSuperuser: false,
  isEncrypted: false,
};
const away = { ...sound, listenAddresses: '*', isEncrypted: true };
const OWN = 'postgres://corral:x7Yq@127.0.0.1:5432/corral';
const DEVELOPMENT = 'postgres://corral:corral@127.0.0.1:4804/corral';
const FAR = 'postgres://corral:x7Yq@db.example:5432/corral?sslmode=verify-full';

/** What is not good, as `check verdict`. */
function wrong(settings: StoreSettings, url: string): readonly string[] {
  return storeFindings(settings, url)
    .filter(({ verdict }) => verdict !== 'good')
    .map(({ check, verdict }) => `${check} ${verdict}`);
}

describe('a database', () => {
  test.each([
    ['that only this machine reaches is well without TLS', sound, OWN, []],
    ['that is reached with TLS and keeps what it answered is well', away, FAR, []],
    ['that others reach without TLS is bad', { ...away, isEncrypted: false }, FAR, ['postgres-tls bad']],
    [
      'that listens everywhere is not safe because we came over loopback',
      { ...sound, listenAddresses: '*' },
      OWN,
      ['postgres-tls bad'],
    ],
    [
      'whose password is its user’s name is bad',
      away,
      'postgres://corral:corral@db.example/corral',
      ['postgres-password bad'],
    ],
    ['of development is not cried over', sound, DEVELOPMENT, []],
    ['whose user is a superuser is bad', { ...sound, isSuperuser: true }, OWN, ['postgres-role bad']],
    [
      'of development has a superuser, which is said',
      { ...sound, isSuperuser: true },
      DEVELOPMENT,
      ['postgres-role warning'],
    ],
    [
      'that forgets commits in a power cut is bad',
      { ...sound, fsync: 'off', fullPageWrites: 'off' },
      OWN,
      ['crash-safety bad'],
    ],
    [
      'that forgets commits in a crash is corrected by nodes',
      { ...sound, synchronousCommit: 'off' },
      OWN,
      ['synchronous-commit warning'],
    ],
  ] as const)('%s', (_name, settings, url, expected) => {
    expect(wrong(settings, url)).toEqual(expected);
  });

  test('that is not as it should be says what to do', () => {
    const worst = { ...away, isEncrypted: false, isSuperuser: true, fsync: 'off', synchronousCommit: 'off' };
    const findings = storeFindings(worst, 'postgres://corral:corral@db.example/corral');
    expect(findings.map(({ advice }) => advice)).not.toContain(null);
  });
});

describe('an address', () => {
  test.each([
    ['nats://runtime:secret@127.0.0.1:4222', false],
    ['nats://runtime:secret@[::1]:4222,nats://localhost:4223', false],
    ['nats://hub.example:4222', true],
    ['nats://127.0.0.1:4222,nats://hub.example:4222', true],
    ['nats://localhost.example:4222', true],
    ['nats://0.0.0.0:4222', true],
    ['postgres://corral:secret@/corral?host=/run/postgresql', false],
  ])('%s: others can reach it: %s', (url, reachable) => {
    expect(isReachable(serverAddress(url).hosts)).toBe(reachable);
  });

  test.each([
    ['nats://runtime:runtime@h', true],
    ['nats://runtime:secret@h', false],
    ['nats://token@h', false],
    ['nats://h', false],
    ['tls://a,tls://b%40c:b%40c@h', true],
  ])('%s: its password is its user: %s', (url, isPasswordUser) => {
    expect(serverAddress(url)).toMatchObject({ isPasswordUser });
  });
});
