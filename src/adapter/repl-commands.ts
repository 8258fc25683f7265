import { callStack } from '../debugger/call-stack.ts';
import type { Debuggee } from '../debugger/debuggee.ts';
import { hypercallList } from '../debugger/hypercall-list.ts';
import { deviceList } from '../debugger/device-list.ts';
import { explainAt } from '../debugger/explanation-text.ts';
import type { VariableNode } from '../debugger/variables/node.ts';
import { controlRows, systemRows } from '../debugger/variables/control-scope.ts';
import { registerRows } from '../debugger/variables/registers-scope.ts';
import { segmentRows } from '../debugger/variables/segments-scope.ts';
import { hex } from '../util/hex.ts';

/** A word, or two, that the Debug Console understands beside expressions. */
interface ReplCommand {
  readonly name: string;
  /** What may follow the name: `[ADDRESS]`. Absent: nothing. */
  readonly argument?: string;
  /** One line. */
  readonly help: string;
  readonly run: (debuggee: Debuggee, argument: string) => string;
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
  {
    name: 'machine devices',
    help: 'the devices with their ports, memory and interrupts, and what nobody answered',
    run: ({ machine }) => deviceList(machine),
  },
  {
    name: 'hypercalls',
    help: 'how often each hypercall was made, and the latest ones with arguments, result and caller',
    run: hypercallList,
  },
  {
    name: 'explain',
    argument: '[ADDRESS]',
    help: 'every check of the next instruction, or of the one at an address, in the order the CPU makes them',
    run: (debuggee, address) =>
      explainAt(
        debuggee,
        address === ''
          ? debuggee.target.instructionAddress
          : BigInt.asUintN(32, debuggee.inspection.evaluate(address).value),
      ),
  },
];

/** The output of a command, or undefined when the text is not one. */
export function runCommand(text: string, debuggee: Debuggee): string | undefined {
  const words = text.trim().split(/\s+/).join(' ');
  const command = COMMANDS.find(
    ({ name, argument }) => words === name || (argument !== undefined && words.startsWith(`${name} `)),
  );
  return command?.run(debuggee, words.slice(command.name.length).trim());
}

function helpText(): string {
  const names = COMMANDS.map(({ name, argument }) => (argument === undefined ? name : `${name} ${argument}`));
  const width = Math.max(...names.map((name) => name.length));
  const rows = COMMANDS.map(({ help }, n) => `${(names[n] ?? '').padEnd(width)}  ${help}`);
  return [...rows, 'Anything else is a C expression: $eax, kernel_main+4, *(u32*)$esp, byte [0xb8000].'].join('\n');
}

function table(rows: readonly VariableNode[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, value }) => `${name.padEnd(width)}  ${value}`).join('\n');
}
