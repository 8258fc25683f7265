import assert from 'node:assert/strict';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { hashSnapshot, type MachineSnapshot } from '../../src/machine/machine-snapshot.ts';
import type { Machine } from '../../src/machine/machine.ts';
import { Random } from '../support/random.ts';
import { requireTool } from '../support/tools.ts';
import { assemble, machineWith, MACROS } from './guest.ts';

/**
 * Works while it is interrupted by the timer (every 100 µs), by the transmitter of COM1 and by the keyboard controller; waits in HLT now
 * and then; counts and mixes everything at 0x120000, the time stamp included. Its code calls itself and changes itself.
 */
const BUSY_GUEST = `${MACROS}
start:
  setup
  gate 0x20, timer
  gate 0x21, keyboard
  gate 0x24, serial
  remap 0xec, 0xff
  outb 0x43, 0x34
  outb 0x40, 0x78
  outb 0x40, 0x00
  mov dx, 0x3fb
  outb dx, 0x83
  mov dx, 0x3f8
  outb dx, 0x01
  mov dx, 0x3fb
  outb dx, 0x03
  mov dx, 0x3fc
  outb dx, 0x0b
  mov dx, 0x3f9
  outb dx, 0x02
  sti
  xor ebp, ebp
work:
  inc ebp
  mov ecx, 40
mix:
  lea esi, [0x120000 + ecx * 4]
  add eax, [esi]
  rol eax, 7
  xor [esi], eax
  call leaf
  loop mix
  inc dword [changed + 1]
  mov edi, 0x121000
  mov ecx, 64
  rep stosd
  test ebp, 7
  jnz no_send
  mov dx, 0x3f8
  mov al, bl
  out dx, al
no_send:
  test ebp, 31
  jnz work
  mov al, 0xfa
  out 0x60, al
  hlt
  jmp work
leaf:
  push eax
changed:
  mov edx, 0x1000
  add [0x120400], edx
  pop eax
  ret
timer:
  push eax
  push edx
  rdtsc
  xor [0x120404], eax
  inc dword [0x120408]
  outb 0x20, 0x20
  pop edx
  pop eax
  iret
serial:
  push eax
  push edx
  mov dx, 0x3fa
  in al, dx
  add [0x12040c], al
  inc dword [0x120410]
  outb 0x20, 0x20
  pop edx
  pop eax
  iret
keyboard:
  push eax
  in al, 0x60
  inc dword [0x120414]
  outb 0x20, 0x20
  pop eax
  iret
`;

const END = 300_000;
const CHECKPOINTS = 60;
const ENGINES: readonly EngineName[] = ['translator', 'interpreter', 'reference'];

/** The instruction counts at which states are compared. */
const counts = Array.from({ length: CHECKPOINTS }, (_, n) => Math.round(((n + 1) * END) / CHECKPOINTS));

/** Runs on to an instruction count. */
function runTo(machine: Machine, count: number, slice?: number): void {
  while (machine.instructions < count) {
    const stop = machine.run({ maxInstructions: count - machine.instructions, slice });
    assert.ok(stop.reason === 'max-instructions' || stop.reason === 'yield', stop.description);
  }
}

/** State hashes at every checkpoint. */
function hashes(machine: Machine, slice?: () => number): string[] {
  return counts.map((count) => {
    runTo(machine, count, slice?.());
    return hashSnapshot(machine.save());
  });
}

describe('The state of the whole machine', function () {
  this.timeout(60_000);
  let code: Uint8Array;
  let expected: readonly string[];

  before(function () {
    requireTool(this, 'nasm');
    code = assemble(BUSY_GUEST);
    const machine = machineWith(code);
    expected = hashes(machine);
    // The guest is what it is meant to be: each kind of interrupt came often.
    const came = [0x120408, 0x120410, 0x120414].map((counter) => machine.memory.read32(counter));
    assert.ok(
      came.every((count) => count >= 5),
      `interrupts by kind: ${came.join(', ')}`,
    );
  });

  it('is different at every checkpoint', () => {
    assert.equal(new Set(expected).size, CHECKPOINTS);
  });

  for (const engine of ENGINES) {
    it(`is the same at every checkpoint in a second run, ${engine}`, () => {
      assert.deepEqual(hashes(machineWith(code, { engine })), expected);
    });

    it(`is the same when the run is cut into slices of random length, ${engine}`, () => {
      const random = new Random(7);
      assert.deepEqual(
        hashes(machineWith(code, { engine }), () => 1 + random.below(3000)),
        expected,
      );
    });
  }

  it('is the same when every access to memory misses the translation cache', () => {
    const machine = machineWith(code);
    machine.cpu.memory.alwaysMiss = true;
    assert.deepEqual(hashes(machine), expected);
  });

  it('goes on from a snapshot in the middle as if nothing had happened, on the same machine and on others', () => {
    const first = machineWith(code);
    runTo(first, 123_457);
    const snapshot = structuredClone(first.save());
    const rest = (machine: Machine): string[] => {
      machine.restore(snapshot);
      assert.equal(machine.instructions, 123_457);
      assert.equal(hashSnapshot(machine.save()), hashSnapshot(snapshot));
      return counts
        .filter((count) => count > 123_457)
        .map((count) => {
          runTo(machine, count);
          return hashSnapshot(machine.save());
        });
    };
    const later = expected.filter((_, n) => (counts[n] ?? 0) > 123_457);
    runTo(first, END);
    assert.deepEqual(rest(first), later);
    for (const engine of ENGINES) assert.deepEqual(rest(machineWith(Uint8Array.of(0xf4), { engine })), later);
  });

  it('comes back from the middle of a HLT, of a repeated string instruction and of an interrupt handler', () => {
    const machine = machineWith(code);
    const seen = new Set<string>();
    for (let n = 0; n < 4000 && seen.size < 3; n++) {
      machine.run({ maxInstructions: 7 });
      const { state } = machine.cpu;
      const opcode = machine.memory.read16(state.ip);
      const kind = machine.cpu.halted
        ? 'halt'
        : opcode === 0xabf3 && state.register32(1) < 64
          ? 'string'
          : (state.eflags & 0x200) === 0 && n > 200
            ? 'handler'
            : undefined;
      if (kind === undefined || seen.has(kind)) continue;
      seen.add(kind);
      const snapshot = machine.save();
      const other = machineWith(Uint8Array.of(0xf4));
      other.restore(snapshot);
      runTo(other, snapshot.cpu.retired + 5000);
      runTo(machine, snapshot.cpu.retired + 5000);
      assert.equal(hashSnapshot(other.save()), hashSnapshot(machine.save()), kind);
      machine.restore(snapshot);
    }
    assert.deepEqual([...seen].sort(), ['handler', 'string']);
  });

  it('keeps a final stop, the exceptions and what nobody answered', () => {
    // in al, 0x99; then no IDT: ud2 ends the CPU.
    const machine = machineWith(Uint8Array.of(0xe4, 0x99, 0x0f, 0x0b));
    const stop = machine.run({ maxInstructions: 10 });
    assert.equal(stop.reason, 'triple-fault');
    const other = machineWith(Uint8Array.of(0x90));
    other.restore(machine.save());
    assert.deepEqual(other.run({ maxInstructions: 1 }), stop);
    assert.deepEqual(other.faults, machine.faults);
    assert.deepEqual(other.unclaimed, machine.unclaimed);
  });

  it('refuses a snapshot of another version or size, and changes nothing', () => {
    const machine = machineWith(code);
    runTo(machine, 1000);
    const snapshot = machine.save();
    runTo(machine, 2000);
    const before = hashSnapshot(machine.save());
    const refused: readonly (readonly [Partial<MachineSnapshot>, string])[] = [
      [{ version: 99 }, 'snapshot-version'],
      [{ memory: 0x400000 }, 'snapshot-memory'],
    ];
    for (const [wrong, code] of refused) assert.throws(() => machine.restore({ ...snapshot, ...wrong }), { code });
    assert.equal(hashSnapshot(machine.save()), before);
  });
});
