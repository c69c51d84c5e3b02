/** Certificates for tests, made anew for each run: an authority, and what it signs. Nothing secret stands in the repository. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate and its key, as files. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** For whom it is, and for how long. */
export interface Subject {
  readonly name: string;
  /** Host names and addresses it is good for. */
  readonly hosts?: readonly string[];
  /** Default: from yesterday to tomorrow. */
  readonly notAfter?: Date;
}

/** Signs certificates. */
export interface Authority {
  /** Its own certificate. */
  readonly caFile: string;
  readonly sign: (subject: Subject) => Promise<CertificateFiles>;
}

const dayMs = 86_400_000;

/** Makes an authority; its files, and those of what it signs, are in `folder`. */
export async function makeAuthority(folder: string, name: string): Promise<Authority> {
  const own = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 10 * dayMs),
    notAfterDate: new Date(Date.now() + dayMs),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const caFile = join(folder, `${name}.pem`);
  writeFileSync(caFile, own.cert);
  const sign = async (subject: Subject): Promise<CertificateFiles> => {
    const { hosts = [subject.name], notAfter = new Date(Date.now() + dayMs) } = subject;
    const signed = await generate([{ name: 'commonName', value: subject.name }], {
      keyType: 'ec',
      algorithm: 'sha256',
      notBeforeDate: new Date(Date.now() - 9 * dayMs),
      notAfterDate: notAfter,
      ca: { key: own.private, cert: own.cert },
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        {
          name: 'subjectAltName',
          altNames: hosts.map((host) =>
            /^[\d.]+$/.test(host) ? { type: 7 as const, ip: host } : { type: 2 as const, value: host },
          ),
        },
      ],
    });
    const files = {
      certFile: join(folder, `${name}-${subject.name}.pem`),
      keyFile: join(folder, `${name}-${subject.name}.key`),
    };
    writeFileSync(files.certFile, signed.cert);
    writeFileSync(files.keyFile, signed.private, { mode: 0o600 });
    return files;
  };
  return { caFile, sign };
}
