import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GdbRemote } from './gdb-remote.ts';
import { GENERAL, SEGMENTS, type MachineState } from './machine-state.ts';

/** Longest time to a place that the guest should come to. */
const PATIENCE_MS = 20_000;

export interface QemuOptions {
  readonly file: string;
  readonly append: string;
  /** Bytes. */
  readonly memory: number;
  /** Linear address of the first instruction. */
  readonly entry: number;
}

/** A Multiboot kernel in qemu-system-i386, stopped at its first instruction, by its GDB stub on two pipes. */
export class QemuMachine {
  private readonly process: ChildProcess;
  private readonly remote: GdbRemote;
  private readonly folder = mkdtempSync(join(tmpdir(), 'compare-with-qemu-'));
  private readonly size: number;

  private constructor({ file, append, memory }: QemuOptions) {
    this.size = memory;
    const child = spawn(
      'qemu-system-i386',
      [
        ...['-kernel', file, '-append', append, '-m', `${memory / 0x100000}M`, '-accel', 'tcg', '-icount', 'shift=0'],
        ...['-S', '-gdb', 'stdio', '-display', 'none', '-serial', 'null', '-monitor', 'null', '-no-reboot'],
        ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
      ],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    this.process = child;
    this.remote = new GdbRemote(child.stdout, child.stdin);
  }

  static async start(options: QemuOptions): Promise<QemuMachine> {
    const machine = new QemuMachine(options);
    if (!(await machine.runTo(options.entry, 1))) throw new Error('QEMU did not come to the entry');
    return machine;
  }

  /** Runs until it has come to an address so many times; false when it does not. */
  async runTo(address: number, times: number): Promise<boolean> {
    const point = `1,${address.toString(16)},1`;
    for (let n = 0; n < times; n++) {
      // The stub would stop at once at a breakpoint on the present address.
      if (n > 0 || (await this.instructionPointer()) === address) {
        await this.step();
        if ((await this.instructionPointer()) === address) continue;
      }
      await this.remote.ask(`Z${point}`);
      const timer = setTimeout(() => this.remote.interrupt(), PATIENCE_MS);
      const stopped = await this.remote.ask('c');
      clearTimeout(timer);
      if (!stopped.startsWith('T05')) return false;
      await this.remote.ask(`z${point}`);
    }
    return true;
  }

  /** One instruction; a repeated string instruction may take several of its passes. */
  async step(): Promise<void> {
    await this.remote.ask('s');
  }

  /** General registers, EIP and EFLAGS: the quick part of {@link state}. */
  async generalState(): Promise<MachineState> {
    const registers = Buffer.from(await this.remote.ask('g'), 'hex');
    const names = [...GENERAL, 'eip', 'eflags'];
    return Object.fromEntries(names.map((name, index) => [name, registers.readUInt32LE(index * 4)]));
  }

  /** What the monitor's `info registers` shows of registers, segments and tables. */
  async state(): Promise<MachineState> {
    const text = await this.remote.monitor('info registers');
    const word = (pattern: RegExp, group = 1): number => parseInt(pattern.exec(text)?.[group] ?? 'none', 16);
    const state: Record<string, number> = {};
    for (const name of [...GENERAL, 'eip', 'cr0', 'cr3', 'cr4'])
      state[name] = word(new RegExp(`\\b${name.toUpperCase()}=([0-9a-f]{8})`));
    state['eflags'] = word(/\bEFL=([0-9a-f]{8})/);
    for (const name of SEGMENTS) {
      const line = new RegExp(`^${name.toUpperCase()} =([0-9a-f]{4}) ([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8})`, 'm');
      ['', '.base', '.limit', '.access'].forEach((field, n) => (state[`${name}${field}`] = word(line, n + 1)));
    }
    for (const name of ['gdt', 'idt']) {
      const line = new RegExp(`^${name.toUpperCase()}= +([0-9a-f]{8}) ([0-9a-f]{8})`, 'm');
      ['base', 'limit'].forEach((field, n) => (state[`${name}r.${field}`] = word(line, n + 1)));
    }
    return state;
  }

  /** The whole of physical memory. */
  async memory(): Promise<Uint8Array> {
    const file = join(this.folder, 'memory');
    await this.remote.monitor(`pmemsave 0 ${this.size} "${file}"`);
    return readFileSync(file);
  }

  /** A physical byte. */
  async byte(address: number): Promise<number> {
    const text = await this.remote.monitor(`xp /1bx ${address}`);
    return parseInt(/: 0x([0-9a-f]+)/.exec(text)?.[1] ?? 'none', 16);
  }

  /** The instruction at a linear address as QEMU's disassembler shows it. */
  async disassembly(address: number): Promise<string> {
    return (await this.remote.monitor(`x /1i ${address}`)).trim();
  }

  close(): void {
    this.process.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async instructionPointer(): Promise<number> {
    return (await this.generalState())['eip'] ?? NaN;
  }
}
