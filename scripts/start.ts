import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { PvOpsReply, ScreenReply, SerialEvent } from '../src/adapter/protocol.ts';
import { pvOpsRows } from '../src/extension/model/pv-ops-rows.ts';
import { DapClient } from './dap-client.ts';

const ROOT = path.join(__dirname, '..');
const KERNEL = path.join('samples', 'multiboot', 'multiboot.elf');
const STEPS = 8;
const THREAD = 1;

type Body<Response extends DebugProtocol.Response> = Response['body'];

/** What the machine has said, and the next time that it stops. */
class Session {
  readonly client: DapClient;
  serial = '';
  private stopped: (event: DebugProtocol.StoppedEvent['body']) => void = () => undefined;

  constructor() {
    this.client = new DapClient(path.join(ROOT, 'dist', 'adapter.js'), (event) => this.hear(event));
  }

  /** Sends a request that lets the machine run; resolves when it has stopped. */
  async run(command: string, parameters?: unknown): Promise<DebugProtocol.StoppedEvent['body']> {
    const stop = new Promise<DebugProtocol.StoppedEvent['body']>((resolve) => (this.stopped = resolve));
    await this.client.request(command, parameters);
    return stop;
  }

  private hear(event: DebugProtocol.Event): void {
    if (event.event === 'stopped') this.stopped((event as DebugProtocol.StoppedEvent).body);
    if (event.event === 'startOfDay/serial') this.serial += (event.body as SerialEvent).text;
    if (event.event !== 'output') return;
    const { category, output } = (event as DebugProtocol.OutputEvent).body;
    if (category === 'console' || category === 'important') process.stdout.write(output);
  }
}

function heading(text: string): void {
  console.log(`\n${text}\n${'─'.repeat(text.length)}`);
}

async function variablesOf(client: DapClient, variablesReference: number): Promise<readonly DebugProtocol.Variable[]> {
  const body = await client.request<Body<DebugProtocol.VariablesResponse>>('variables', { variablesReference });
  return body.variables;
}

function showVariable({ name, value }: DebugProtocol.Variable, indent: string): void {
  console.log(`${indent}${name.padEnd(20 - indent.length)} ${value}`);
}

/** The registers, and what EBX points to: the fields of the boot information that are there. */
async function showRegisters(client: DapClient, scope: DebugProtocol.Scope): Promise<void> {
  for (const register of await variablesOf(client, scope.variablesReference)) {
    showVariable(register, '  ');
    if (register.name !== 'EBX') continue;
    const fields = await variablesOf(client, register.variablesReference);
    for (const field of fields) if (!field.value.startsWith('absent')) showVariable(field, '    ');
  }
}

async function topFrame(client: DapClient): Promise<DebugProtocol.StackFrame> {
  const { stackFrames } = await client.request<Body<DebugProtocol.StackTraceResponse>>('stackTrace', {
    threadId: THREAD,
    levels: 1,
  });
  const [frame] = stackFrames;
  if (frame === undefined) throw new Error('The machine has no current instruction');
  return frame;
}

async function showEntryState(client: DapClient): Promise<void> {
  const frame = await topFrame(client);
  heading(`Entry state at ${frame.name}`);
  const { scopes } = await client.request<Body<DebugProtocol.ScopesResponse>>('scopes', { frameId: frame.id });
  const registers = scopes.find(({ name }) => name === 'Registers');
  if (registers !== undefined) await showRegisters(client, registers);
}

async function step(session: Session): Promise<void> {
  heading(`The first ${STEPS} instructions`);
  for (let count = 0; count < STEPS; count++) {
    const { instructionPointerReference, name } = await topFrame(session.client);
    const body = await session.client.request<Body<DebugProtocol.DisassembleResponse>>('disassemble', {
      memoryReference: instructionPointerReference,
      instructionCount: 1,
    });
    const [instruction] = body?.instructions ?? [];
    console.log(`  ${instruction?.address ?? ''}  ${name.padEnd(20)} ${instruction?.instruction ?? ''}`);
    await session.run('stepIn', { threadId: THREAD, granularity: 'instruction' });
  }
}

async function showPvOps(client: DapClient): Promise<void> {
  heading('Paravirt operations');
  for (const group of pvOpsRows(await client.request<PvOpsReply>('startOfDay/pvOps'))) {
    console.log(`  ${group.label}: ${group.description}`);
    for (const { label, description } of group.children ?? []) console.log(`    ${label.padEnd(20)} ${description}`);
  }
}

async function showScreen(client: DapClient): Promise<void> {
  heading('The screen');
  const { text, columns } = await client.request<ScreenReply>('startOfDay/screen');
  const edge = `+${'-'.repeat(columns)}+`;
  const used = text.findLastIndex((row) => row.trim() !== '') + 1;
  console.log([edge, ...text.slice(0, used).map((row) => `|${row}|`), edge].join('\n'));
}

/** npm start: what F5 does, in the terminal. */
async function main(): Promise<void> {
  console.log(`Start of Day boots ${KERNEL} and stops at its first instruction.\n`);
  const session = new Session();
  const { client } = session;
  try {
    await client.request('initialize', { adapterID: 'start-of-day', linesStartAt1: true, columnsStartAt1: true });
    await client.request('launch', { program: path.join(ROOT, KERNEL) });
    await session.run('configurationDone');
    await showEntryState(client);
    await step(session);
    const stop = await session.run('continue', { threadId: THREAD });
    heading('Serial port COM1');
    for (const line of session.serial.trimEnd().split(/\r?\n/)) console.log(`  ${line}`);
    await showScreen(client);
    await showPvOps(client);
    console.log(`\nStopped: ${stop.text ?? stop.description ?? stop.reason}`);
    await client.request('disconnect');
  } finally {
    client.close();
  }
  heading('The same in VS Code');
  console.log('npm run workbench   VS Code in the browser with this extension and the samples: press F5');
  console.log('npm run package     start-of-day.vsix for your own VS Code: "Extensions: Install from VSIX..."');
}

void main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
