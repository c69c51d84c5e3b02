/**
 * How what comes is held to the schema of its route. A query and a path are text, so that text in them becomes the number or the truth value
 * that is wanted. A body is JSON, in which its writer has said what is what: `true` is no name there and `"5"` no number, and nothing in it is
 * changed for the schema.
 */
import { AjvCompiler } from '@fastify/ajv-compiler';

type Factory = ReturnType<typeof AjvCompiler>;

/** What is not known is refused, not passed over. Bounds are looked at also where a number is infinite: else it would be let in. */
const ALWAYS = { removeAdditional: false, useDefaults: true, strictNumbers: false } as const;

/** The option `schemaController` of Fastify. */
export function schemaController(): { readonly compilersFactory: { readonly buildValidator: Factory } } {
  const compilers = AjvCompiler();
  const buildValidator: Factory = (schemas) => {
    const ofText = compilers(schemas, { customOptions: { ...ALWAYS, coerceTypes: 'array' } });
    // The complaint tells what was given, and what the member means.
    const ofBody = compilers(schemas, { customOptions: { ...ALWAYS, coerceTypes: false, verbose: true } });
    return (route) => (isBody(route) ? ofBody(route) : ofText(route));
  };
  return { compilersFactory: { buildValidator } };
}

/** Fastify gives the schema with where it belongs, which the types of the compiler do not say. */
function isBody(route: unknown): boolean {
  return (route as { readonly httpPart?: string }).httpPart === 'body';
}
