import assert from 'node:assert/strict';
import { Mmu } from '../../src/cpu/mmu.ts';
import { CpuState } from '../../src/cpu/state.ts';
import { assemble, type Program } from '../support/assembler.ts';
import { ENGINES, Guest, PLACE, SELECTOR } from '../support/cpu-harness.ts';
import { requireTool } from '../support/tools.ts';

const NO_BUS = {
  portRead: () => 0,
  portWrite: () => undefined,
  memoryRead: () => 0,
  memoryWrite: () => undefined,
  timeStamp: () => 0n,
};

/** Runs to HLT. */
function runToHalt(guest: Guest): void {
  for (;;) {
    const exit = guest.run(100_000);
    if (exit.kind === 'attention') continue;
    assert.equal(exit.kind, 'halted');
    return;
  }
}

for (const engine of ENGINES) {
  describe(`code that changes under the CPU (${engine})`, () => {
    const guestOf = (source: string): { guest: Guest; program: Program } => {
      const program = assemble(source, PLACE.code);
      return { guest: new Guest(engine, { code: program.bytes }), program };
    };

    before(function () {
      requireTool(this, 'gcc');
    });

    it('sees a store into the instruction that comes next in the same block', () => {
      const { guest } = guestOf(`
        mov byte ptr [patched + 1], 7
      patched:
        mov al, 1
        hlt`);
      runToHalt(guest);
      assert.equal(guest.register(0), 7);
    });

    it('sees a loop rewrite its own body', () => {
      const { guest } = guestOf(`
        mov ecx, 20
        xor ebx, ebx
      again:
        inc byte ptr [patched + 2]
      patched:
        add ebx, 0
        dec ecx
        jnz again
        hlt`);
      runToHalt(guest);
      assert.equal(guest.register(3), (20 * 21) / 2);
    });

    it('sees a store into a block that ran before and is linked to', () => {
      const { guest } = guestOf(`
        mov ecx, 10
        xor ebx, ebx
      again:
        call target
        cmp ecx, 5
        jne next
        mov dword ptr [target + 1], 100
      next:
        dec ecx
        jnz again
        hlt
      .balign 128
      target:
        mov eax, 1
        add ebx, eax
        ret`);
      runToHalt(guest);
      assert.equal(guest.register(3), 6 * 1 + 4 * 100);
    });

    it('sees a string instruction write code over several lines', () => {
      const { guest } = guestOf(`
        call target
        mov esi, offset source
        mov edi, offset target
        mov ecx, 200
        rep movsb
        call target
        hlt
      .balign 64
      target: .fill 198, 1, 0x90
        ret
      source: .fill 198, 1, 0x40
        ret`);
      runToHalt(guest);
      assert.equal(guest.register(0), 198);
    });

    it('keeps data beside code, on the same line and on the same page', () => {
      const { guest, program } = guestOf(`
        mov ecx, 1000
      again:
        inc dword ptr [beside]
        inc dword ptr [apart]
        dec ecx
        jnz again
        hlt
      beside: .long 0
      .balign 64
      .fill 64
      apart: .long 0`);
      runToHalt(guest);
      assert.equal(guest.readWord(program.at('beside')), 1000);
      assert.equal(guest.readWord(program.at('apart')), 1000);
      assert.equal(guest.cpu.retired, 1 + 4 * 1000 + 1);
    });

    it('runs an instruction that straddles two pages, and sees either half change', () => {
      // mov eax, imm32 with two bytes before the boundary, in a loop that changes the byte after it, then the one before it.
      const { guest } = guestOf(`
        xor ebx, ebx
        mov ecx, 3
        jmp straddling
      .org 0xffe
      straddling:
        mov eax, 0x01020304
        add ebx, eax
        inc byte ptr [straddling + 2]
        inc byte ptr [straddling + 1]
        dec ecx
        jnz straddling
        hlt`);
      runToHalt(guest);
      assert.equal(guest.register(3), 3 * 0x01020304 + 3 * 0x101);
    });

    it('runs it when the second page lies elsewhere, and again when it is remapped', () => {
      const { guest, program } = guestOf(`
        call function
        mov ebx, eax
        mov dword ptr [entry], 0x31067
        invlpg [function + 2]
        call function
        hlt
      .org 0xffe
      function:
        mov eax, 0x11111111
        ret
      .set entry, 0x5000 + 0x11 * 4`);
      guest.mapIdentity(0x90000, 0x67);
      guest.map(0x11000, 0x30000, 0x67);
      guest.enablePaging();
      const tail = program.bytes.slice(0x1000);
      guest.writeBytes(0x30000, tail);
      guest.writeBytes(
        0x31000,
        tail.map((byte) => (byte === 0x11 ? 0x22 : byte)),
      );
      runToHalt(guest);
      assert.equal(guest.register(3), 0x11111111);
      assert.equal(guest.register(0), 0x22222211);
    });

    for (const flush of ['invlpg [function]', 'mov eax, cr3\n mov cr3, eax']) {
      it(`follows a page of linked code that is remapped, after ${flush.split('\n')[0] ?? ''}`, () => {
        const { guest } = guestOf(`
          mov ecx, 6
          xor ebx, ebx
        again:
          call function
          add ebx, edx
          cmp ecx, 4
          jne next
          mov dword ptr [entry], 0x31067
          ${flush}
        next:
          dec ecx
          jnz again
          hlt
        .set function, 0x20000
        .set entry, 0x5000 + 0x20 * 4`);
        guest.mapIdentity(0x90000, 0x67);
        guest.map(0x20000, 0x30000, 0x67);
        guest.enablePaging();
        // mov edx, 1; ret and mov edx, 0x100; ret
        guest.writeBytes(0x30000, Uint8Array.from([0xba, 1, 0, 0, 0, 0xc3]));
        guest.writeBytes(0x31000, Uint8Array.from([0xba, 0, 1, 0, 0, 0xc3]));
        runToHalt(guest);
        assert.equal(guest.register(3), 3 * 1 + 3 * 0x100);
      });
    }

    it('INVLPG of one address drops all of a 4 MiB page', () => {
      const { guest } = guestOf(`
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov ebx, [0x400010]
        mov ecx, [0x7ff010]
        mov dword ptr [0x4004], 0x000000e7
        invlpg [0x400000]
        mov edx, [0x7ff010]
        hlt`);
      const ram = new Guest(engine, { ramSize: 0x800000, code: guest.bytes(PLACE.code, 128).slice() });
      ram.mapIdentity(0x90000, 0x67);
      ram.enablePaging();
      ram.writeWords(PLACE.pageDirectory + 4, 0x4000e7);
      ram.writeWords(0x7ff010, 0x11);
      ram.writeWords(0x3ff010, 0x22);
      ram.cpu.stateChanged();
      runToHalt(ram);
      assert.deepEqual([ram.register(1), ram.register(2)], [0x11, 0x22]);
    });

    it('runs the same bytes under CS with another base', () => {
      const { guest, program } = guestOf(`
        mov ecx, 3
      again:
        call function
        dec ecx
        jnz again
        jmp ${SELECTOR.basedCode}:0
      .org 0x100
      function:
        inc ebx
        ret`);
      // At base PLACE.code the same code starts at offset 0, and its far jump leads to itself.
      assert.deepEqual(guest.run(1 + 3 * 5 + 1), { kind: 'budget' });
      assert.equal(guest.cpu.state.ip, 0);
      assert.equal(guest.cpu.state.segment(1).base, PLACE.code);
      assert.deepEqual(guest.run(3), { kind: 'budget' });
      assert.equal(guest.cpu.state.ip, 0x101);
      assert.equal(guest.register(3), 4);
      assert.equal(guest.readWord(guest.register(4)), program.at('again') + 5 - PLACE.code);
      guest.cpu.setBreakpoints([program.at('function')]);
      assert.deepEqual(guest.run(100), { kind: 'breakpoint' });
      assert.equal(guest.cpu.state.ip, 0x100);
    });

    it('runs 16-bit code beside 32-bit code', () => {
      const { guest, program } = guestOf(`
        mov eax, 0x11112222
        mov esi, 0xffff0010
        jmp ${SELECTOR.code16}:(code16 - _start)
      code32:
        hlt
      .balign 16
      .code16
      code16:
        mov ax, 0x3333
        add esi, 0x10
        mov bx, [si + 2]
        mov ecx, 0xffff0002
      again:
        inc dx
        loop again
        mov di, 0xfffe
        jmp word ptr cs:[pointer - _start]
      pointer: .word wrapped - _start
      wrapped:
        .byte 0x66
        .byte 0xea
        .long code32
        .word ${SELECTOR.code0}`);
      guest.writeWords(0x20, 0x77880000);
      runToHalt(guest);
      assert.equal(guest.register(0), 0x11113333);
      assert.equal(guest.register(3) & 0xffff, 0x7788);
      assert.equal(guest.register(1), 0xffff0000, 'LOOP counts CX');
      assert.equal(guest.register(2), 2);
      assert.equal(guest.cpu.state.ip, program.at('code32') + 1);
    });

    it('uses SP alone with a 16-bit stack segment', () => {
      const { guest } = guestOf(`
        mov ax, ${SELECTOR.stack16}
        mov ss, ax
        mov esp, 0x12340000
        push 0x11223344
        mov ebx, esp
        pop dword ptr ds:[esp - 0x12310000]
        hlt`);
      runToHalt(guest);
      assert.equal(guest.register(3), 0x1234fffc);
      assert.equal(guest.readWord(0xfffc), 0x11223344);
      assert.equal(guest.register(4), 0x12340000);
      assert.equal(guest.readWord(0x30000), 0x11223344, 'the address counts from ESP after the pop');
    });

    it('POP [ESP + n] finds its operand with ESP already incremented', () => {
      const { guest } = guestOf(`
        push 1
        push 2
        push 3
        pop dword ptr [esp]
        pop eax
        pop dword ptr [esp - 8]
        mov ebx, [esp - 8]
        hlt`);
      runToHalt(guest);
      assert.deepEqual([guest.register(0), guest.register(3)], [3, 1]);
    });
  });
}

describe('lines of code', () => {
  it('are told of a write that changes them, and of no other', () => {
    const mmu = new Mmu(new CpuState(0x10000), NO_BUS);
    const told: number[] = [];
    mmu.onCodeWrite = (page) => told.push(page);
    mmu.markCode(0x1000, 4);
    for (const [width, value] of [
      [8, 0],
      [32, 0],
      [32, 0xfedcba98],
      [32, 0xfedcba98 | 0],
      [16, 0xba98],
      [8, 0x98],
      [8, 0x99],
    ] as const)
      mmu.writePhysical(0x1000, width, value);
    assert.deepEqual(told, [1, 1]);
    assert.equal(mmu.readPhysical(0x1000, 32), 0xfedcba99);
  });
});
