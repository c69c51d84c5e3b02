/**
 * Values that nobody should send, for whatever may be sent over HTTP.
 */

/** Values of a path or a query, as they stand in a request: percent-encoded where they have to be, and where they must not be. */
export const NASTY_TEXTS: readonly string[] = [
  ...words(`
    0 -0 -1 1 1.5 1e3 1e309 -1e309 Infinity -Infinity NaN null true undefined 0x10 9007199254740991 9007199254740992 -9007199254740992
    18446744073709551616 2147483648 -2147483649 9223372036854775808 %20 %09 + %2B %00 a%00b %u0000 %ED%A0%80 %C3%28 %FF % %zz %F0%9F%92%A5
    %27%3B%20drop%20table%20twin%3B%20-- %22 %5C %25 %2F ..%2F..%2Fetc %0D%0Ax%3A%20y %E2%80%AE %7B%7D %5B%5D __proto__ constructor toString
    hasOwnProperty * ~ ~~ . .. 1.2.3 9.9.9 2147483647.9007199254740991.9007199254740991 9007199254740992.1.1 1.9007199254740991.0 0.0.0
    1e400~cp-001 1e300~cp-001 -1e300~cp-001 none~cp-001 9e15~cp-001 0~0 -1~1 1.5~7 1.2.3.4~1 .~1 8640000000000001~1
    0000-01-01T00:00:00Z 9999-12-31T23:59:59Z 9999-12-31T23:59:59-23:59 0000-01-01T00:00:00%2B23:59 2026-02-30T00:00:00Z
    2026-01-31T14:00:00Z 2026-01-31T14:00:00.999999999999999999Z 1970-01-01T00:00:00Z 0s 999999d 999999s 000001d -5m 5m !!!! e30 AA==
  `),
  '',
  '9'.repeat(400),
  'x'.repeat(65),
  'x'.repeat(129),
  'x'.repeat(8_000),
  '%F0%9F%92%A5'.repeat(600),
  `${'9'.repeat(300)}~1`,
  `${'9'.repeat(40)}~1`,
  `-${'9'.repeat(20)}~9007199254740991`,
  ...[{}, [], null, 'x', { open: {}, last: {} }, foldWith(1e308), foldWith(-1), foldWith(0.5)].map(cursorOf),
  cursorOf({ ...foldWith(1), last: { incarnation: 1, boot: Number.MAX_SAFE_INTEGER, seq: 0 } }),
];

/** Values of a header: what Node lets through. */
export const NASTY_HEADERS: readonly string[] = [
  ...words(`
    0 -1 1e309 Infinity NaN 9007199254740991 9007199254740992 * , ,,, " W/" ;q= */*;q=0 ../.. text/vnd.mermaid image/svg+xml chunked
    00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 bytes=0-1
  `),
  '',
  ' ',
  '9'.repeat(400),
  'x'.repeat(4_000),
  'gzip;q=0, *;q=0',
  '\u00ff\u0080',
  '00-\u00e9',
  'a\tb',
];

/** Headers that any operation may be sent, beside those that it describes. */
export const ANY_HEADERS = ['accept', 'accept-encoding', 'if-none-match', 'traceparent', 'content-type'];

/** Members of a body, as JSON. */
export const NASTY_JSON: readonly string[] = [
  ...words(String.raw`
    null true 0 -0 -1 1.5 1e309 -1e309 1e-400 9007199254740993 18446744073709551616 "" "x" [] {} "\u0000" "a\u0000b" "\ud800" "\udfff" "\u202e"
    "\u001b]0;x\u0007" "__proto__" {"__proto__":{"x":1}} {"constructor":{"prototype":{"x":1}}} {"\u0000":1} {"holdMs":1e309} {"holdMs":-1}
    {"holdMs":"x"} {"holdMs":9007199254740993} {"holdMs":null} {"holdMs":60000,"holdMs":1} {"for":"\u0000"} {"x":"\ud800"}
    "0D4FA6FF-6F5B-4D0C-9BE8-3D2F4F7F3C11"
  `),
  `"${'x'.repeat(129)}"`,
  `"${'x'.repeat(70_000)}"`,
  `[${'0,'.repeat(5_000)}0]`,
  `{"x":${nested(14)}}`,
  nested(15),
  nested(200),
  nested(20_000),
  `{"a":${nestedMaps(20_000)}}`,
];

/** Bodies as a whole, a character a byte. */
export const NASTY_BODIES: readonly string[] = [
  ...words(`{ } null [] "" 0 {} {"name":"report"}{"name":"report"} {"name":"report",} {'name':'report'}`),

  '',
  ' ',
  '\u00ef\u00bb\u00bf{}',
  '\u0081\u00a1a\u0001',
  '\u0080',
  '\u00de\u0000\u0000',
  '\u0000',
  '{"name":"\u00ff"}',
  nested(20_000),
  nestedMaps(20_000),
  `"${'x'.repeat(2_000_000)}"`,
];

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

function cursorOf(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** The cursor of a timeline, left off at an absurd number. */
function foldWith(number: number): object {
  const position = { incarnation: 1, boot: 3, seq: 3 };
  const counts = { reports: 1, gaps: 0, missing: 0, reboots: 0 };
  const open = { state: 'a\u0000\ud800', from: number, errorMs: number, to: null, lastReportAt: number };
  return { open: { ...open, ...position, ...counts }, last: position };
}

function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`;
}

function nestedMaps(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}
