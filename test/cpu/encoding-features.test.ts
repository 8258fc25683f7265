import assert from 'node:assert/strict';
import * as iced from 'iced-x86';
import { encodingOn } from '../../src/cpu/decoder.ts';
import { replacedOn } from '../../src/cpu/encoding-features.ts';
import { CPU_MODEL_NAMES, cpuModel } from '../../src/x86/cpu-model.ts';
import { assemble } from '../support/assembler.ts';
import { ENGINES, Guest, PLACE } from '../support/cpu-harness.ts';

/** Every encoding of iced-x86 that is valid in 16-bit or 32-bit code. */
function* encodings(): Iterable<{ code: iced.Code; name: string; mnemonic: number }> {
  for (const [name, code] of Object.entries(iced.Code)) {
    if (typeof code !== 'number') continue;
    const info = iced.CodeExt.opCode(code);
    const { mode16, mode32, isInstruction, mnemonic } = info;
    info.free();
    if (isInstruction && (mode16 || mode32)) yield { code, name, mnemonic };
  }
}

/** Encodings that a model should have and the machine does not describe: it stops there by name. */
const KNOWN_GAPS = /^(F|Cyrix)|^Wait/;

describe('which encodings exist', () => {
  for (const name of CPU_MODEL_NAMES) {
    it(`is decided for every one on "${name}"`, () => {
      const neither: string[] = [];
      let undefinedOnes = 0;
      for (const { code, name: encoding, mnemonic } of encodings()) {
        const { description } = encodingOn(cpuModel(name), code, mnemonic);
        if (description === undefined && !KNOWN_GAPS.test(encoding)) neither.push(encoding);
        if (replacedOn(cpuModel(name), code, '')?.mnemonics[0] === `${encoding}?`) undefinedOnes++;
      }
      assert.deepEqual(neither, []);
      assert.ok(undefinedOnes > 1000, `${undefinedOnes} are #UD`);
    });
  }

  const cases: readonly (readonly [code: string, cpu: (typeof CPU_MODEL_NAMES)[number], reason: string])[] = [
    ['cmovne eax, ebx', '486', 'CMOVNE needs CMOV, which cpu "486" does not have'],
    ['cpuid', '486', 'CPUID needs CPUID, which cpu "486" does not have'],
    ['rdtsc', '486', 'RDTSC needs TSC, which cpu "486" does not have'],
    ['cmpxchg8b [ebx]', '486', 'CMPXCHG8B needs CX8, which cpu "486" does not have'],
    ['nop dword ptr [eax]', 'pentium', 'NOP needs hint NOPs, which cpu "pentium" does not have'],
    ['sysenter', 'pentium-pro', 'SYSENTER needs SEP, which cpu "pentium-pro" does not have'],
    ['popcnt eax, ebx', 'default', 'POPCNT needs POPCNT, which cpu "default" does not have'],
    ['vaddps xmm0, xmm1, xmm2', 'default', 'VADDPS needs AVX, which cpu "default" does not have'],
    ['rsm', 'default', 'RSM needs SMM, which cpu "default" does not have'],
    ['monitor', 'default', 'MONITOR needs MONITOR, which cpu "default" does not have'],
  ];
  for (const engine of ENGINES) {
    for (const [source, cpu, reason] of cases) {
      it(`${source} is #UD on ${cpu} (${engine})`, () => {
        const guest = new Guest(engine, { code: assemble(source, PLACE.code).bytes, cpu });
        const exit = guest.run(10);
        assert.ok(exit.kind === 'triple-fault');
        assert.equal(exit.chain[0]?.vector, 6);
        assert.equal(exit.chain[0].reason, reason);
      });
    }

    it(`hints do nothing on a P6, reserved ones as well (${engine})`, () => {
      // SDM 2, NOP: 0F 18 to 0F 1F; ENDBR32, PREFETCHW, RDSSPD and BNDMK among them.
      const source = `nop dword ptr [0xfffff000]
        prefetchnta [eax]; prefetchw [eax]; endbr32; rdsspd eax; bndmk bnd0, [eax]; .byte 0x0f, 0x19, 0xc0; hlt`;
      const guest = new Guest(engine, { code: assemble(source, PLACE.code).bytes, cpu: 'pentium-pro' });
      assert.equal(guest.run(20).kind, 'halted');
      assert.equal(guest.cpu.retired, 8);
    });

    it(`refuses LOCK where it may not stand (${engine})`, () => {
      // SDM 2, LOCK: only read-modify-write instructions with a memory destination.
      for (const bytes of [
        [0xf0, 0x90],
        [0xf0, 0x01, 0xc0],
        [0xf0, 0x8b, 0x03],
        [0xf0, 0x39, 0x03],
        [0xf0, 0xf4],
        [0xf0, 0x0f, 0xa3, 0x03],
      ]) {
        const exit = new Guest(engine, { code: Uint8Array.from(bytes) }).run(1);
        assert.ok(exit.kind === 'triple-fault');
        assert.equal(exit.chain[0]?.vector, 6, bytes.join(' '));
      }
    });

    it(`refuses the 16th byte with #GP (SDM 2, 2.3.11) (${engine})`, () => {
      const code = Uint8Array.from([...Array<number>(15).fill(0x66), 0x90]);
      const exit = new Guest(engine, { code }).run(1);
      assert.ok(exit.kind === 'triple-fault');
      assert.equal(exit.chain[0]?.vector, 13);
    });
  }
});
