/** What is wrong when a TLS connection to the hub fails, as a sentence; Node and OpenSSL say it in codes. */

const UNTRUSTED =
  'shows a certificate that no authority signed that is trusted here: the CA file (CORRAL_NATS_CA) has to hold the one that did';

/** By the codes of Node (`tls`) and of OpenSSL; what follows is said of "the NATS server at ...". */
const SENTENCES: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_HAS_EXPIRED: "shows a certificate that has expired, by this machine's clock",
  CERT_NOT_YET_VALID: "shows a certificate that is not valid yet, by this machine's clock",
  ERR_TLS_CERT_ALTNAME_INVALID: 'shows a certificate for other names than the one in the address',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'wants a certificate from whoever connects: the certificate and key files (CORRAL_NATS_CERT, CORRAL_NATS_KEY) name it',
};

/** The sentence without its subject, or `null` for an error that TLS has no part in. */
export function tlsProblem(error: unknown): string | null {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    const known = SENTENCES[code];
    if (known !== undefined) return known;
    if (code.startsWith('ERR_SSL_') || code === 'EPROTO') return refusal(code);
    if (cause.message.includes("does not support 'tls'")) return 'offers no TLS: nothing was said to it';
  }
  return null;
}

/** Alerts are what the other side says of us. */
function refusal(code: string): string {
  if (code.includes('ALERT')) return `does not take the certificate that it was shown (${code})`;
  return `does not speak TLS as it should (${code})`;
}
