import assert from 'node:assert/strict';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { hashSnapshot } from '../../src/machine/machine-snapshot.ts';
import type { Machine } from '../../src/machine/machine.ts';
import { requireTool } from '../support/tools.ts';
import { assemble, machineWith, MACROS } from './guest.ts';
import { outputs, programMode } from './video/mode-assembly.ts';

/**
 * Guests that never end, each in one corner of the machine's state. `seen`, if there is any, names what a snapshot caught the guest in;
 * `moments` are those that must have been among them. `act`: what the host does before each piece of the run.
 */
interface Corner {
  readonly name: string;
  readonly source: string;
  readonly seen: (machine: Machine) => string | undefined;
  readonly moments: readonly string[];
  readonly act?: (machine: Machine, piece: number) => void;
}

/** Interrupts of the slave controller: the 8259s remapped, end of interrupt to both. */
const END_OF_SLAVE = 'outb 0xa0, 0x20\n  outb 0x20, 0x20';

/** DR6 waits for the end of the instruction, in a register that only the CPU sees. */
const debugPending = (machine: Machine): boolean => machine.cpu.state.debugPending !== 0;

const CORNERS: readonly Corner[] = [
  {
    name: 'periodic interrupts of the clock, and the mouse',
    source: `
  gate 0x28, clock
  gate 0x2c, mouse
  remap 0xfb, 0xee
  ${outputs([
    [0x70, 0x0a],
    [0x71, 0x23],
    [0x70, 0x0b],
    [0x71, 0x42],
    [0x64, 0xa8],
    [0x64, 0x60],
    [0x60, 0x03],
    [0x64, 0xd4],
    [0x60, 0xf4],
  ])}
  sti
again:
  inc dword [0x120000]
  test byte [0x120000], 0x3f
  jnz again
  hlt
  jmp again
clock:
  push eax
  outb 0x70, 0x0c
  in al, 0x71
  add [0x120004], al
  inc dword [0x120008]
  ${END_OF_SLAVE}
  pop eax
  iret
mouse:
  push eax
  in al, 0x60
  rol dword [0x12000c], 3
  add [0x12000c], al
  inc dword [0x120010]
  ${END_OF_SLAVE}
  pop eax
  iret`,
    act: (machine, piece) => {
      machine.moveMouse(3 * piece, -piece);
      machine.mouseButtons(piece & 7);
    },
    seen: (machine) => {
      if (machine.memory.read32(0x120008) < 3 || machine.memory.read32(0x120010) < 3) return undefined;
      return (machine.cpu.state.eflags & 0x200) === 0 ? 'handler' : 'work';
    },
    moments: ['handler', 'work'],
  },
  {
    name: 'mode 13h and the latches, the palette half written',
    source: `
  ${programMode('13h')}
again:
  inc ebx
  movzx edi, bx
  mov [0xa0000 + edi], bl
  ${outputs([
    [0x3ce, 0x05],
    [0x3cf, 0x41],
  ])}
  mov al, [0xa0000 + edi]
  mov [0xa0004 + edi], al
  ${outputs([
    [0x3cf, 0x40],
    [0x3c8, 0x07],
  ])}
  mov al, bl
  mov dx, 0x3c9
  out dx, al
  out dx, al
  out dx, al
  mov dx, 0x3da
  in al, dx
  ${outputs([
    [0x3c0, 0x31],
    [0x3c0, 0x05],
  ])}
  jmp again`,
    seen: (machine) => machine.screen().picture?.width.toString(),
    moments: ['320'],
  },
  {
    name: 'address line 20 low, and high again',
    // Everything the guest needs is below 1 MiB too, at the same place.
    source: `
  mov esi, 0x100000
  xor edi, edi
  mov ecx, 0x100
  rep movsd
again:
  outb 0x92, 0x00
  inc dword [0x150000]
  mov ecx, 20
low:
  add [0x150004], ecx
  loop low
  outb 0x92, 0x02
  mov ecx, 20
high:
  add [0x150004], ecx
  loop high
  jmp again`,
    seen: (machine) => (machine.devices.a20.on ? 'on' : 'off'),
    moments: ['off', 'on'],
  },
  {
    name: 'armed debug registers, single steps and a debug trap that waits behind MOV SS',
    source: `
  gate 0x01, debug
  gate 0x20, timer
  remap 0xfe, 0xff
  outb 0x43, 0x34
  outb 0x40, 0x78
  outb 0x40, 0x00
  mov eax, cr4
  or eax, 8
  mov cr4, eax
  mov eax, here
  mov dr0, eax
  mov eax, 0x120000
  mov dr1, eax
  mov eax, 0x120004
  mov dr2, eax
  mov eax, 0x80
  mov dr3, eax
  mov eax, 0x2fd007aa
  mov dr7, eax
  sti
again:
  inc ebx
  mov [0x120000], ebx
here:
  mov eax, [0x120004]
  out 0x80, al
  mov dword [0x120004], 0x10
  mov ss, [0x120004]
  nop
  pushfd
  or byte [esp + 1], 1
  popfd
  add ecx, ebx
  rol ecx, 5
  pushfd
  and byte [esp + 1], 0xfe
  popfd
  jmp again
debug:
  push eax
  mov eax, dr6
  and eax, 0xe00f
  rol dword [0x120020], 3
  xor [0x120020], eax
  inc dword [0x120024]
  mov eax, 0xffff0ff0
  mov dr6, eax
  or dword [esp + 12], 0x10000
  pop eax
  iret
timer:
  push eax
  inc dword [0x120028]
  outb 0x20, 0x20
  pop eax
  iret`,
    seen: (machine) => {
      const { state } = machine.cpu;
      if (debugPending(machine)) return state.interruptShadow ? 'waits behind MOV SS' : 'trap waits';
      if ((state.eflags & 0x100) !== 0) return 'TF';
      return (state.eflags & 0x10000) !== 0 ? 'RF' : undefined;
    },
    moments: ['RF', 'TF', 'trap waits', 'waits behind MOV SS'],
  },
  {
    name: 'the timer of the local APIC, and the HPET through the I/O APIC',
    source: `
  gate 0x31, apic
  gate 0x32, hpet
  remap 0xff, 0xff
  mov dword [0xfee003e0], 3
  mov dword [0xfee00320], 0x20031
  mov dword [0xfee00380], 100
  mov dword [0xfec00000], 0x14
  mov dword [0xfec00010], 0x32
  mov dword [0xfed00100], 0x14c
  mov dword [0xfed00108], 5000
  mov dword [0xfed00108], 700
  mov dword [0xfed00010], 1
  sti
again:
  inc dword [0x120000]
  test byte [0x120000], 0x3f
  jnz again
  hlt
  jmp again
apic:
  push eax
  mov eax, [0xfee00390]
  add [0x120004], eax
  inc dword [0x120008]
  mov dword [0xfee000b0], 0
  pop eax
  iret
hpet:
  push eax
  mov eax, [0xfed000f0]
  add [0x12000c], eax
  inc dword [0x120010]
  mov dword [0xfee000b0], 0
  pop eax
  iret`,
    seen: (machine) => {
      if (machine.memory.read32(0x120008) < 3 || machine.memory.read32(0x120010) < 3) return undefined;
      return (machine.cpu.state.eflags & 0x200) === 0 ? 'handler' : 'work';
    },
    moments: ['handler', 'work'],
  },
  {
    name: 'an unmasked x87 exception that waits, for #MF and for IRQ 13; MMX and SSE registers',
    source: `
  gate 0x10, error
  gate 0x2d, legacy
  remap 0xfb, 0xdf
  mov eax, cr4
  or eax, 0x200
  mov cr4, eax
  mov dword [0x120000], 0x37b
  sti
again:
  mov eax, cr0
  xor eax, 0x20
  mov cr0, eax
  fninit
  fldcw [0x120000]
  fld1
  fldz
  fdivp st1, st0
  inc ebx
  nop
  fwait
  movd mm1, ebx
  paddd mm1, mm1
  movd xmm3, ebx
  cvtsi2ss xmm4, ebx
  pshufd xmm5, xmm3, 0x1b
  jmp again
legacy:
  push eax
  outb 0xf0, 0
  ${END_OF_SLAVE}
  jmp clear
error:
  push eax
clear:
  fnstsw ax
  rol dword [0x120004], 3
  add [0x120004], eax
  fnclex
  pop eax
  iret`,
    seen: (machine) => {
      const { state } = machine.cpu;
      if ((state.x87.status & 0x80) === 0) return undefined;
      return (state.control(0) & 0x20) !== 0 ? 'waits for #MF' : 'waits for IRQ 13';
    },
    moments: ['waits for #MF', 'waits for IRQ 13'],
  },
];

const ENGINES: readonly EngineName[] = ['translator', 'interpreter', 'reference'];
/** Instructions from one snapshot to the next: a number that divides nothing of the guests. */
const PIECE = 1_237;
const PIECES = 12;
/** Single steps in which every moment comes. */
const STEPS = 2_000;

/** Runs on by a number of instructions. */
function runFor(machine: Machine, count: number): void {
  const end = machine.instructions + count;
  while (machine.instructions < end) {
    const stop = machine.run({ maxInstructions: end - machine.instructions });
    assert.equal(stop.reason, 'max-instructions', stop.description);
  }
}

describe('A snapshot taken anywhere', function () {
  this.timeout(60_000);

  before(function () {
    requireTool(this, 'nasm');
  });

  for (const { name, source, seen, moments, act } of CORNERS)
    it(`goes on as the machine it was taken of: ${name}`, () => {
      const code = assemble(`${MACROS}\nstart:\n  setup\n${source}`);
      const machine = machineWith(code);
      const others = ENGINES.map((engine) => machineWith(Uint8Array.of(0xf4), { engine }));
      const caught = new Set<string>();
      /** The machine goes on, and so do others from a snapshot of it. */
      const stretch = (count: number, piece: number, restored: readonly Machine[]): void => {
        const snapshot = structuredClone(machine.save());
        for (const other of restored) {
          other.restore(snapshot);
          assert.equal(hashSnapshot(other.save()), hashSnapshot(snapshot));
        }
        for (const one of [machine, ...restored]) {
          act?.(one, piece);
          runFor(one, count);
        }
        const hash = hashSnapshot(machine.save());
        for (const other of restored) assert.equal(hashSnapshot(other.save()), hash, `after ${machine.instructions}`);
      };
      for (let piece = 0; piece < PIECES; piece++) stretch(PIECE, piece, others.slice(piece % 3, (piece % 3) + 1));
      for (let step = 0; step < STEPS && caught.size < moments.length; step++) {
        const moment = seen(machine);
        if (moment === undefined || caught.has(moment)) runFor(machine, 1);
        else {
          caught.add(moment);
          stretch(PIECE, 1, others);
        }
      }
      assert.deepEqual([...caught].sort(), moments);
    });
});
