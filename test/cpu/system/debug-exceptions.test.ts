import assert from 'node:assert/strict';
import { assemble } from '../../support/assembler.ts';
import { ENGINES, Guest, PLACE } from '../../support/cpu-harness.ts';

/** DR6 as #DB handlers find it: the bits that read as 1, and the cause. */
const DR6 = 0xffff0ff0;
const BS = 0x4000;
const BD = 0x2000;
/** RF in a pushed EFLAGS image. */
const RF = 0x10000;

/** What a #DB handler saw. */
interface Trap {
  /** Label of the return address. */
  readonly at: string;
  readonly dr6: number;
  readonly rf: boolean;
}

/**
 * The handler keeps EIP, EFLAGS and DR6 in a list at EDI's memory cell 0x30000, clears DR6 and sets RF, so that a code breakpoint goes on.
 */
const HANDLER = `
handler: push eax; push ebx
  mov ebx, [0x30000]
  mov eax, [esp+8]; mov [ebx], eax
  mov eax, [esp+16]; mov [ebx+4], eax
  mov eax, dr6; mov [ebx+8], eax
  add dword ptr [0x30000], 12
  xor eax, eax; mov dr6, eax
  or dword ptr [esp+16], 0x10000
  pop ebx; pop eax; iretd
`;

for (const engine of ENGINES) {
  /** Runs `source` to its HLT at label `done`; the traps in order. */
  function traps(source: string, prepare?: (guest: Guest) => void): Trap[] {
    const program = assemble(`${source}\ndone: hlt\n${HANDLER}`, PLACE.code);
    const guest = new Guest(engine, { code: program.bytes });
    guest.writeWords(0x30000, 0x30010);
    guest.handler(1, program.at('handler'));
    if (program.symbols.has('other')) guest.handler(0x20, program.at('other'));
    prepare?.(guest);
    for (let n = 0; n < 2000; n++) {
      const exit = guest.run(1000);
      if (exit.kind === 'halted' && guest.cpu.state.ip === program.at('done') + 1) break;
      assert.ok(['attention', 'halted', 'budget'].includes(exit.kind), JSON.stringify(exit));
      if (exit.kind === 'halted') assert.fail('halted elsewhere');
    }
    const names = new Map([...program.symbols].map(([name, address]) => [address, name]));
    const end = guest.readWord(0x30000);
    const found: Trap[] = [];
    for (let at = 0x30010; at < end; at += 12) {
      const ip = guest.readWord(at);
      found.push({
        at: names.get(ip) ?? (ip - PLACE.code).toString(16),
        dr6: (guest.readWord(at + 8) & ~DR6) >>> 0,
        rf: (guest.readWord(at + 4) & RF) !== 0,
      });
    }
    return found;
  }
  const step = (at: string): Trap => ({ at, dr6: BS, rf: false });
  const SET_TF = 'pushfd; or dword ptr [esp], 0x100; popfd;';
  const CLEAR_TF = 'pushfd; and dword ptr [esp], ~0x100;';

  describe(`single steps (SDM 3, 17.3.1.4) (${engine})`, () => {
    it('begin one instruction after POPF set TF, and include the POPF that clears it', () => {
      const found = traps(`${SET_TF} a: nop; b: inc eax; c: pushfd; d: and dword ptr [esp], ~0x100; e: popfd; f: nop`);
      assert.deepEqual(found, ['b', 'c', 'd', 'e', 'f'].map(step));
    });

    it('come after every iteration of a repeated instruction, with RF in the image of all but the last', () => {
      const found = traps(`mov ecx, 3; mov edi, 0x31000; ${SET_TF} a: rep stosb; b: ${CLEAR_TF} d: popfd; e: nop`);
      assert.deepEqual(found.slice(0, 3), [{ at: 'a', dr6: BS, rf: true }, { at: 'a', dr6: BS, rf: true }, step('b')]);
    });

    it('are held off by a load of SS for one instruction', () => {
      const found = traps(`mov eax, ss; ${SET_TF} a: mov ss, eax; b: nop; c: ${CLEAR_TF} d: popfd; e: nop`);
      assert.deepEqual(found[0], step('c'));
    });

    it('are not taken after INT n, whose handler runs with TF clear', () => {
      const found = traps(`${SET_TF} a: int 0x20; b: nop; c: ${CLEAR_TF} d: popfd; e: nop; jmp done
        other: inc edx; inside: iretd`);
      assert.deepEqual(found[0], step('c'), 'after IRET one instruction runs first');
    });

    it('end HLT', () => {
      const found = traps(`${SET_TF} a: hlt; b: ${CLEAR_TF} d: popfd; e: nop`);
      assert.deepEqual(found[0], step('b'));
    });

    it('are not taken after INT1, which reports no cause (SDM 2, INT n)', () => {
      const found = traps(`a: .byte 0xf1; b: nop`);
      assert.deepEqual(found, [{ at: 'b', dr6: 0, rf: false }]);
    });
  });

  describe(`debug registers (SDM 3, 17.2) (${engine})`, () => {
    const arm = (address: string, dr7: number): string =>
      `mov eax, ${address}; mov dr0, eax; mov eax, ${dr7}; mov dr7, eax;`;

    it('stop before an instruction, with RF as it was', () => {
      assert.deepEqual(traps(`${arm('offset b', 0x1)} a: mov ecx, 3; b: dec ecx; jnz b; c: nop`), [
        { at: 'b', dr6: 1, rf: false },
        { at: 'b', dr6: 1, rf: false },
        { at: 'b', dr6: 1, rf: false },
      ]);
    });

    it('stop before a repeated instruction once', () => {
      const source = `${arm('offset b', 0x2)} a: mov ecx, 3; mov edi, 0x31000; b: rep stosb; c: nop`;
      assert.deepEqual(traps(source), [{ at: 'b', dr6: 1, rf: false }]);
    });

    it('trap after writes and accesses that touch their bytes', () => {
      const data = `mov [0x31002], al; b: mov eax, [0x31000]; c: mov [0x30ffe], ax; d: mov [0x30ffd], eax; e: mov [0x31004], eax; f: inc dword ptr [0x31000]; g:`;
      const hit = (at: string): Trap => ({ at, dr6: 1, rf: false });
      assert.deepEqual(traps(`${arm('0x31000', 0x000d0001)} a: ${data} nop`), [hit('b'), hit('e'), hit('g')], 'writes');
      assert.deepEqual(
        traps(`${arm('0x31000', 0x000f0001)} a: ${data} nop`),
        [hit('b'), hit('c'), hit('e'), hit('g')],
        'reads or writes',
      );
      assert.deepEqual(traps(`${arm('0x31003', 0x00050001)} a: ${data} nop`), [hit('b'), hit('g')], 'aligned to 2');
    });

    it('count what the CPU itself accesses: the pushes of an interrupt', () => {
      const found = traps(`mov eax, esp; sub eax, 4; mov dr0, eax; mov eax, 0x000d0001; mov dr7, eax; int 0x20; jmp done
        other: nop; xor eax, eax; mov dr7, eax; iretd`);
      assert.deepEqual(found, [{ at: 'other', dr6: 1, rf: false }]);
    });

    it('hold a trap behind a load of SS until the next instruction is done', () => {
      const found = traps(`mov eax, ss; mov [0x31000], eax; ${arm('0x31000', 0x000f0001)}
        a: mov ss, [0x31000]; b: nop; c: nop`);
      assert.deepEqual(found, [{ at: 'c', dr6: 1, rf: false }]);
    });

    it('trap after port accesses with CR4.DE, and not without', () => {
      const source = `${arm('0x3f8', 0x00020001)} mov dx, 0x3f8; a: in al, dx; b: nop`;
      assert.deepEqual(traps(`mov eax, cr4; or eax, 8; mov cr4, eax; ${source}`), [{ at: 'b', dr6: 1, rf: false }]);
      assert.deepEqual(traps(source), []);
    });

    it('raise a fault on their own access with GD, which the handler finds clear', () => {
      const found = traps(`mov eax, 0x2000; mov dr7, eax; a: mov ebx, dr0; b: mov ecx, dr7; mov [0x30ff0], ecx`);
      assert.deepEqual(found, [{ at: 'a', dr6: BD, rf: true }]);
    });

    it('report several causes at once', () => {
      const found = traps(`mov eax, 0x31000; mov dr0, eax; mov dr3, eax; mov eax, 0x10010041; mov dr7, eax; ${SET_TF}
        a: mov [0x31000], eax; b: ${CLEAR_TF} popfd; c: nop`);
      assert.deepEqual(found[0], { at: 'b', dr6: BS | 9, rf: false });
    });
  });

  describe(`watchpoints (${engine})`, () => {
    function watched(source: string, ...points: Parameters<Guest['cpu']['setWatchpoints']>[0]) {
      const program = assemble(`${source}\ndone: hlt`, PLACE.code);
      const guest = new Guest(engine, { code: program.bytes });
      guest.cpu.setWatchpoints(points);
      return { guest, program };
    }

    it('stop after the instruction that touched, with what it changed', () => {
      const { guest, program } = watched(
        'mov eax, 0x11223344; mov ecx, 5; l: mov [0x31000], ecx; n: mov edx, [0x31002]; dec ecx; jnz l',
        { linear: 0x31000, length: 4, access: 'write' },
      );
      for (let value = 5; value > 0; value--) {
        const exit = guest.run(1000);
        assert.ok(exit.kind === 'watchpoint');
        assert.equal(guest.cpu.state.ip, program.at('n'));
        const { address, bytes, access, oldValue, newValue } = exit.hit;
        assert.deepEqual(
          { address, bytes, access, oldValue, newValue },
          { address: 0x31000, bytes: 4, access: 'write', oldValue: value === 5 ? 0 : value + 1, newValue: value },
        );
        assert.equal(guest.cpu.retired, 3 + (5 - value) * 4);
      }
      assert.equal(guest.run(1000).kind, 'halted');
    });

    it('watch any length, across pages, and reads', () => {
      const { guest, program } = watched(
        'mov eax, [0x32ffe]; a: mov ebx, [0x35000]; mov cl, [0x34fff]; b: rep stosb; push ecx; c: nop',
        { linear: 0x33000, length: 0x2000, access: 'read' },
      );
      for (const label of ['a', 'b']) {
        const exit = guest.run(1000);
        assert.ok(exit.kind === 'watchpoint' && exit.hit.access === 'read', exit.kind);
        assert.equal(guest.cpu.state.ip, program.at(label));
      }
      assert.equal(guest.run(1000).kind, 'halted');
    });

    it('see pushes, read-modify-writes and string elements', () => {
      const { guest, program } = watched(
        'push eax; a: inc dword ptr [0x31000]; b: mov edi, 0x30ffe; mov ecx, 4; c: rep stosb; d: nop',
        { linear: PLACE.stack - 4, length: 4, access: 'access' },
        { linear: 0x31000, length: 1, access: 'access' },
      );
      for (const label of ['a', 'b', 'c']) {
        const exit = guest.run(1000);
        assert.ok(exit.kind === 'watchpoint' && exit.hit.access === 'write', exit.kind);
        assert.equal(guest.cpu.state.ip, program.at(label));
      }
      assert.equal(guest.run(1000).kind, 'halted');
    });
  });
}
