import assert from 'node:assert/strict';
import { assemble, type Program } from '../support/assembler.ts';
import { ENGINES, Guest, PLACE, SELECTOR } from '../support/cpu-harness.ts';
import { requireTool } from '../support/tools.ts';

for (const engine of ENGINES) {
  describe(`callers() is the chain of calls (${engine})`, () => {
    let program: Program;
    const guestOf = (source: string): Guest => {
      program = assemble(source, PLACE.code);
      return new Guest(engine, { code: program.bytes });
    };
    /** Names of the return addresses and kinds, innermost first. */
    const callers = (guest: Guest): string[] => {
      const names = new Map([...program.symbols].map(([name, address]) => [address, name]));
      return guest.cpu
        .callers()
        .map(({ returnAddress, kind }) => `${kind} ${names.get(returnAddress) ?? returnAddress.toString(16)}`);
    };
    const runTo = (guest: Guest, name: string): void => {
      guest.cpu.setBreakpoints([program.at(name)]);
      for (let skipFirstBreakpoint = true; ; skipFirstBreakpoint = false) {
        const exit = guest.run(100_000, { skipFirstBreakpoint });
        if (exit.kind === 'attention') continue;
        assert.equal(exit.kind, 'breakpoint');
        return;
      }
    };

    before(function () {
      requireTool(this, 'gcc');
    });

    it('follows recursion in and out, and where each return address lies', () => {
      const guest = guestOf(`
        mov ecx, 5
        call recurse
      returned:
        hlt
      recurse:
        dec ecx
        jz deepest
        call recurse
      inner:
        ret
      deepest:
        ret`);
      runTo(guest, 'deepest');
      assert.deepEqual(callers(guest), ['call inner', 'call inner', 'call inner', 'call inner', 'call returned']);
      assert.deepEqual(
        guest.cpu.callers().map(({ stackOffset }) => stackOffset),
        [5, 4, 3, 2, 1].map((depth) => PLACE.stack - 4 * depth),
      );
      for (const { returnAddress, stackOffset } of guest.cpu.callers())
        assert.equal(guest.readWord(stackOffset), returnAddress);
      for (const left of [4, 3, 2, 1, 0]) {
        guest.run(1, { skipFirstBreakpoint: true });
        assert.equal(guest.cpu.callers().length, left);
      }
      assert.equal(guest.cpu.state.ip, program.at('returned'));
    });

    it('drops what RET n, indirect calls and tail jumps leave', () => {
      const guest = guestOf(`
        push 1
        push 2
        call takes_two
        mov eax, offset indirect
        call eax
      after:
        hlt
      takes_two:
        ret 8
      indirect:
        jmp tail
      tail:
        ret`);
      runTo(guest, 'tail');
      assert.deepEqual(callers(guest), ['call after']);
      runTo(guest, 'after');
      assert.deepEqual(callers(guest), []);
      assert.equal(guest.register(4), PLACE.stack);
    });

    it('is not misled by a stack switch or by a return address that was popped', () => {
      const guest = guestOf(`
        call outer
        hlt
      outer:
        mov ebx, esp
        mov esp, 0x60000
        call other_stack
      switched:
        mov esp, ebx
        call thunk
      thunk:
        pop eax
        call leaf
      end:
        ret
      other_stack:
        ret
      leaf:
        ret`);
      runTo(guest, 'other_stack');
      assert.deepEqual(callers(guest), ['call switched', `call ${(PLACE.code + 5).toString(16)}`]);
      runTo(guest, 'leaf');
      assert.equal(callers(guest)[0], 'call end');
      runTo(guest, 'end');
      assert.equal(callers(guest).at(-1), `call ${(PLACE.code + 5).toString(16)}`);
    });

    it('knows interrupts and exceptions, with and without an error code, until IRET', () => {
      const guest = guestOf(`
        lidt [table]
        int 0x21
      after_int:
        xor eax, eax
        div eax
      after_divide:
        mov eax, [0x90000]
      after_fault:
        mov al, 0x7f
        add al, 1
        into
      after_into:
        hlt
      on_int:
        iretd
      on_divide:
        add dword ptr [esp], 2
        iretd
      on_fault:
        add esp, 4
        add dword ptr [esp], 5
        iretd
      on_overflow:
        iretd
      table: .word 0x7ff
        .long ${PLACE.idt}`);
      guest.mapIdentity(0x90000);
      guest.enablePaging();
      guest.handler(0x21, program.at('on_int'));
      guest.handler(0, program.at('on_divide'));
      guest.handler(14, program.at('on_fault'));
      guest.handler(4, program.at('on_overflow'));
      guest.cpu.stateChanged();
      for (const [handler, back] of [
        ['on_int', 'interrupt after_int'],
        ['on_divide', `interrupt ${(program.at('after_divide') - 2).toString(16)}`],
        ['on_fault', 'interrupt after_divide'],
        ['on_overflow', 'interrupt after_into'],
      ] as const) {
        runTo(guest, handler);
        assert.deepEqual(callers(guest), [back], handler);
      }
      runTo(guest, 'after_into');
      assert.deepEqual(callers(guest), []);
    });

    it('knows device interrupts', () => {
      const guest = guestOf('sti\n nop\n nop\nhere: nop\n hlt\nhandler: nop\n iretd');
      guest.handler(0x20, program.at('handler'));
      runTo(guest, 'here');
      guest.cpu.deliverInterrupt(0x20);
      assert.deepEqual(callers(guest), ['interrupt here']);
      runTo(guest, 'here');
      assert.deepEqual(callers(guest), []);
    });

    it('finds the return address under the error code of a 16-bit gate', () => {
      const guest = guestOf(`
        lidt [table]
        call outer
      after: hlt
      outer: mov fs, [bad]
      back: ret
      bad: .word 0x7ff8
      on_fault:
        .code32
        add esp, 2
        add word ptr [esp], 6
        .byte 0x66
        iret
      table: .word 0x7ff
        .long ${PLACE.idt}`);
      guest.writeWords(PLACE.gdt + 0x30, 0x0000ffff, 0x00cf9b01);
      guest.writeWords(PLACE.idt + 13 * 8, (0x30 << 16) | (program.at('on_fault') & 0xffff), 0x8600);
      runTo(guest, 'on_fault');
      assert.deepEqual(callers(guest), ['interrupt outer', 'call after']);
      assert.equal(guest.cpu.callers()[0]?.stackOffset, guest.register(4) + 2);
      // The handler returns through a 16-bit frame into the flat segment, whose offset is the low half of the address.
      guest.run(2, { skipFirstBreakpoint: true });
      assert.equal(guest.cpu.callers().length, 2);
      guest.run(1, { skipFirstBreakpoint: true });
      assert.deepEqual(callers(guest), ['call after']);
    });

    it('knows the code segment of each caller across far calls', () => {
      const guest = guestOf(`
        call close
      after_near: hlt
      close:
        lcall ${SELECTOR.basedCode}, offset distant - 0x10000
      after_far: ret
      distant:
        call deep
      after_deep: retf
      deep: ret`);
      runTo(guest, 'deep');
      assert.deepEqual(
        guest.cpu.callers().map(({ codeBase, returnAddress }) => [codeBase, codeBase + returnAddress]),
        [
          [PLACE.code, program.at('after_deep')],
          [0, program.at('after_far')],
          [0, program.at('after_near')],
        ],
      );
      runTo(guest, 'after_near');
      assert.deepEqual(callers(guest), []);
    });

    it('forgets the callers of another task', () => {
      const guest = guestOf(`
        mov eax, ${SELECTOR.tss}
        ltr ax
        call outer
      outer:
        ljmp 0x70, 0
      task: nop
        hlt`);
      const [first, second] = [PLACE.tss, PLACE.tss + 0x100];
      assert.ok(first < second);
      guest.writeWords(PLACE.gdt + 0x70, ((second & 0xffff) << 16) | 0x67, 0x8900);
      guest.cpu.state.gdtr = { base: PLACE.gdt, limit: 0x77 };
      const { code0, data0 } = SELECTOR;
      guest.writeWords(second + 0x20, program.at('task'), 2, 0, 0, 0, 0, 0x70000, 0, 0, 0);
      guest.writeWords(second + 0x48, data0, code0, data0, data0, data0, data0, 0, 0);
      runTo(guest, 'outer');
      assert.equal(callers(guest).length, 1);
      runTo(guest, 'task');
      assert.deepEqual(callers(guest), []);
    });

    it('keeps the innermost 1,024 calls of a deeper recursion', () => {
      const guest = guestOf(`
        mov ecx, 1500
        call recurse
        hlt
      recurse:
        dec ecx
        jz deepest
        call recurse
      inner:
        ret
      deepest:
        ret`);
      runTo(guest, 'deepest');
      assert.deepEqual(new Set(callers(guest)), new Set(['call inner']));
      assert.equal(guest.cpu.callers().length, 1024);
    });
  });
}
