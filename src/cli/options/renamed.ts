import { type Command, Option } from 'commander';

/** Options of earlier versions, and their names now; both as settings, which of one word are flags too. */
const RENAMED: Readonly<Record<string, string>> = { recipe: 'preset', path: 'stepper' };

/** Makes each command that has a renamed flag answer the old one with the new name. The old flags are in no help text. */
export function answerOldFlags(commands: readonly Command[]): void {
  for (const command of commands) {
    for (const [old, now] of Object.entries(RENAMED)) {
      if (!command.options.some(({ long }) => long === `--${now}`)) continue;
      command
        .addOption(new Option(`--${old} [value]`).hideHelp())
        .on(`option:${old}`, () => command.error(`error: --${old} is now --${now}.`));
    }
  }
}

/** Makes each command with a flag such as `--no-bias` say of `--bias`, which is no flag, that it is the default. */
export function answerDefaults(commands: readonly Command[]): void {
  for (const command of commands) {
    for (const { long: no } of command.options.filter(({ negate }) => negate)) {
      const yes = no!.replace('--no-', '--');
      const hint = yes === '--ratings' ? '; the ratings to train on are named with --data' : '';
      command
        .addOption(new Option(`${yes} [value]`).hideHelp())
        .on(`option:${yes.slice(2)}`, () => command.error(`error: ${yes} is the default and needs no flag: there is only ${no}${hint}.`));
    }
  }
}

/** The name that a setting of earlier versions has now, if it was renamed. */
export function newNameOf(setting: string): string | undefined {
  return Object.hasOwn(RENAMED, setting) ? RENAMED[setting] : undefined;
}
