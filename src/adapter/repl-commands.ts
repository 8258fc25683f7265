import { callStack } from '../debugger/call-stack.ts';
import type { Debuggee } from '../debugger/debuggee.ts';
import type { VariableNode } from '../debugger/variables/node.ts';
import { controlRows, systemRows } from '../debugger/variables/control-scope.ts';
import { registerRows } from '../debugger/variables/registers-scope.ts';
import { segmentRows } from '../debugger/variables/segments-scope.ts';
import { hex } from '../util/hex.ts';

/** A word that the Debug Console understands beside expressions. */
interface ReplCommand {
  readonly name: string;
  /** One line. */
  readonly help: string;
  readonly run: (debuggee: Debuggee) => string;
}

const COMMANDS: readonly ReplCommand[] = [
  { name: 'help', help: 'this list', run: () => helpText() },
  {
    name: 'registers',
    help: 'general registers, EIP and EFLAGS',
    run: ({ inspection }) => table(registerRows(inspection)),
  },
  {
    name: 'segments',
    help: 'segment registers with what the CPU keeps of them',
    run: ({ inspection }) => table(segmentRows(inspection)),
  },
  {
    name: 'control',
    help: 'control, descriptor table and debug registers',
    run: ({ inspection }) => table([...controlRows(inspection), ...systemRows(inspection)]),
  },
  {
    name: 'backtrace',
    help: 'where the machine is and how it came there',
    run: ({ inspection }) =>
      callStack(inspection)
        .map(({ name, address }, index) => `#${index}  ${hex(address, 8)}  ${name}`)
        .join('\n'),
  },
];

/** The output of a command, or undefined when the text is not one. */
export function runCommand(text: string, debuggee: Debuggee): string | undefined {
  return COMMANDS.find(({ name }) => name === text.trim())?.run(debuggee);
}

function helpText(): string {
  const rows = COMMANDS.map(({ name, help }) => `${name.padEnd(10)}  ${help}`);
  return [...rows, 'Anything else is a C expression: $eax, kernel_main+4, *(u32*)$esp, byte [0xb8000].'].join('\n');
}

function table(rows: readonly VariableNode[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, value }) => `${name.padEnd(width)}  ${value}`).join('\n');
}
