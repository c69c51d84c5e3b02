/** Where the command line finds Corral: as the environment says, or where `npm start` has it by default. */

const SITE_URL = 'nats://127.0.0.1:4803';
const HTTP_URL = 'http://127.0.0.1:4800';

/** Corral's HTTP side: CORRAL_HTTP_URL. */
export function httpUrl(): string {
  return given('CORRAL_HTTP_URL') ?? HTTP_URL;
}

/** Where devices connect: CORRAL_NATS_URL, a site's leaf or the hub with a site's credentials. */
export function siteUrl(): string {
  return given('CORRAL_NATS_URL') ?? SITE_URL;
}

function given(variable: string): string | undefined {
  const value = process.env[variable];
  return value === '' ? undefined : value;
}
