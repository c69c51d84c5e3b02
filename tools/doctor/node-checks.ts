/** The doctor's look at this machine's Node, and at a node of Corral over HTTP. */
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { bad, becauseOf, type Finding, good } from '../../src/setup/finding.ts';

/** The oldest Node that is supported; `engines` in package.json. */
const NODE_MIN = [20, 19] as const;
const ANSWER_MS = 5_000;

const ReadyBody = TypeCompiler.Compile(
  Type.Object({
    parts: Type.Array(Type.Object({ part: Type.String(), ok: Type.Boolean(), detail: Type.String() })),
  }),
);

/** The Node that runs this. */
export function nodeVersionFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [wantedMajor, wantedMinor] = NODE_MIN;
  const isEnough = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  if (isEnough) return good('node-version', `Node ${version}, 20.19 or newer`);
  return bad('node-version', `Node ${version}`, 'install Node 20.19 or newer');
}

/** What a node says of itself at `/readyz`. */
export async function readinessFinding(httpUrl: string): Promise<Finding> {
  let body: unknown;
  try {
    const response = await fetch(new URL('/readyz', httpUrl), { signal: AbortSignal.timeout(ANSWER_MS) });
    body = await response.json();
  } catch (error) {
    const advice = 'start a node, or let CORRAL_HTTP_URL say where one is';
    return bad('http', `${httpUrl} gives no answer: ${becauseOf(error)}`, advice);
  }
  if (!ReadyBody.Check(body))
    return bad('http', `${httpUrl} is not a node of Corral`, 'CORRAL_HTTP_URL says where one is');
  const wrong = body.parts.filter(({ ok }) => !ok).map(({ part, detail }) => `${part} ${detail}`);
  if (wrong.length === 0)
    return good('http', `${httpUrl} is ready: ${body.parts.map(({ detail }) => detail).join(', ')}`);
  const advice = 'it becomes ready by itself when that is gone';
  return bad('http', `${httpUrl} is not ready: ${wrong.join('; ')}`, advice);
}
