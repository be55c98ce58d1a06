/** The command line: one file per command in `commands/`. What a command needs is loaded when it runs, so that help is quick. */
import { Command, CommanderError } from 'commander';
import { reportError } from './errors.ts';
import { asTyped, programName } from './program.ts';
import { register as apply } from './commands/apply.ts';
import { register as call } from './commands/call.ts';
import { register as completion } from './commands/completion.ts';
import { register as controller } from './commands/controller.ts';
import { register as deleteObjects } from './commands/delete.ts';
import { register as deploy } from './commands/deploy.ts';
import { register as describe } from './commands/describe.ts';
import { register as events } from './commands/events.ts';
import { register as executions } from './commands/execution.ts';
import { register as functions } from './commands/function.ts';
import { register as gateway } from './commands/gateway.ts';
import { register as get } from './commands/get.ts';
import { register as images } from './commands/images.ts';
import { register as install } from './commands/install.ts';
import { register as invoke } from './commands/invoke.ts';
import { register as jobs } from './commands/job.ts';
import { register as kubeconfig } from './commands/kubeconfig.ts';
import { register as logs } from './commands/logs.ts';
import { register as run } from './commands/run.ts';
import { register as routes } from './commands/route.ts';
import { register as runtimes } from './commands/runtime.ts';
import { register as tasks } from './commands/task.ts';
import { register as types } from './commands/types.ts';
import { register as uninstall } from './commands/uninstall.ts';
import { register as up } from './commands/up.ts';
import { register as version } from './commands/version.ts';
import { register as wait } from './commands/wait.ts';

const commands = [
  up,
  deploy,
  invoke,
  call,
  run,
  types,
  logs,
  get,
  describe,
  wait,
  apply,
  deleteObjects,
  functions,
  routes,
  runtimes,
  jobs,
  executions,
  tasks,
  events,
  kubeconfig,
  completion,
  images,
  install,
  uninstall,
  controller,
  gateway,
  version,
];

/** All commands. `exit` is told the exit code of one that does not throw. */
export function createProgram(exit: (code: number) => void): Command {
  const program = new Command(programName)
    .description('A serverless platform: write only the function.')
    .helpCommand(true)
    .addHelpText(
      'after',
      `
Examples:
  tsumugi up functions/                 start a platform here and deploy each file of a folder
  tsumugi deploy hello.ts               from a file to a URL
  curl http://127.0.0.1:8080/function/hello
  tsumugi logs hello -f                 what it prints
  tsumugi get functions                 what there is`,
    );
  for (const register of commands) register(program, exit);
  strict(program);
  return program;
}

/** Runs one command line (without node and program). Answers the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader that has had enough (`| head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  let exitCode = 0;
  const program = createProgram((code) => (exitCode = code));
  if (argv.length === 0) {
    program.outputHelp();
    return 2;
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return reportError(error);
  }
}

/** Errors are thrown to `main`, which prints them all in one form. */
function strict(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ outputError: () => {}, writeOut: (text) => void process.stdout.write(asTyped(text)) })
    .showHelpAfterError(false);
  for (const sub of command.commands) strict(sub);
}
