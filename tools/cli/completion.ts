/** `corral completion`: what a shell needs to complete the command line, written from the commands themselves. */
import { Argument, type Command, type Option } from 'commander';
import { print } from './print.ts';

const HELP = `
Examples:
  source <(corral completion bash)
  corral completion bash > ~/.local/share/bash-completion/completions/corral
  corral completion zsh > "\${fpath[1]}/_corral"`;

/** Adds the subcommand; it completes what `program` holds when it runs. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('Write a script that completes this command line.')
    .addArgument(new Argument('<shell>', 'for which shell').choices(['bash', 'zsh']))
    .addHelpText('after', HELP)
    .action((shell: 'bash' | 'zsh') =>
      print((shell === 'bash' ? bashScript(program) : zshScript(program)).split('\n')),
    );
}

/** What can be completed of one command. */
interface Word {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Option[];
  readonly choices: readonly string[];
}

function wordsOf(program: Command): readonly Word[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: command.options,
    choices: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
  }));
}

/** `--json --limit --help`: what may stand next on the line of a command. */
function namesOf({ options, choices }: Word): string {
  return [...choices, ...options.flatMap(({ long }) => long ?? []), '--help'].join(' ');
}

/** What bash sources. */
export function bashScript(program: Command): string {
  const words = wordsOf(program);
  const values = words.flatMap(({ name, options }) =>
    options.flatMap(({ long, argChoices }) =>
      long === undefined || argChoices === undefined
        ? []
        : [
            `    '${name} ${long}') COMPREPLY=($(compgen -W '${argChoices.join(' ')}' -- "$word")); return ;;`,
          ],
    ),
  );
  return [
    '# bash completion of corral; corral completion bash writes it.',
    '_corral() {',
    '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="${COMP_WORDS[1]}"',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    COMPREPLY=($(compgen -W '${words.map(({ name }) => name).join(' ')} help --help' -- "$word"))`,
    '    return',
    '  fi',
    '  case "$command $before" in',
    ...values,
    '  esac',
    '  case "$command" in',
    ...words.map((word) => `    ${word.name}) COMPREPLY=($(compgen -W '${namesOf(word)}' -- "$word")) ;;`),
    '  esac',
    '}',
    'complete -o default -F _corral corral',
  ].join('\n');
}

/** What zsh finds as `_corral`. */
export function zshScript(program: Command): string {
  const words = wordsOf(program);
  return [
    '#compdef corral',
    '# zsh completion of corral; corral completion zsh writes it.',
    '_corral() {',
    '  local -a commands',
    '  commands=(',
    ...words.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`),
    '  )',
    '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
    '  case "$words[2]" in',
    ...words.map((word) => `    ${word.name}) _arguments ${argumentsOf(word)} ;;`),
    '  esac',
    '}',
    'if [ "$funcstack[1]" = _corral ]; then _corral "$@"; else compdef _corral corral; fi',
  ].join('\n');
}

function argumentsOf({ options, choices }: Word): string {
  const specs = options.map(({ long, description, required, argChoices }) => {
    const value = required ? `:value:${argChoices === undefined ? '' : `(${argChoices.join(' ')})`}` : '';
    return quoted(`${long ?? ''}[${description.replaceAll(/[[\]:]/g, ' ')}]${value}`);
  });
  const rest = choices.length === 0 ? '*::argument:_files' : `*::argument:(${choices.join(' ')})`;
  return [...specs, quoted('--help[show help]'), quoted(rest)].join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
