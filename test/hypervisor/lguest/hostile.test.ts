import assert from 'node:assert/strict';
import { LGUEST_INTERFACES } from '../../../src/abi/lguest.ts';
import type { MachineSnapshot } from '../../../src/machine/machine-snapshot.ts';
import { REGISTER } from '../../../src/x86/registers.ts';
import { LGUEST_STARTS } from '../../support/lguest-guests.ts';
import { Random } from '../../support/random.ts';
import { boot, lguestImage, MEMORY, type LguestRun } from './guest.ts';

/** Addresses and numbers at which checks go wrong, besides random ones. */
const EDGES = [
  ...[0, 1, 2, 3, 4, 8, 31, 32, 33, 0x68, 0x69, 255, 256, 1022, 1023, 1024, 4095, 4096],
  ...[MEMORY - 4096, MEMORY - 4, MEMORY - 1, MEMORY, MEMORY + 4095, MEMORY + 4096, MEMORY + 0x3000, MEMORY + 0xffff],
  ...[
    0x7fffffff, 0x80000000, 0xbfffffff, 0xc0000000, 0xc0100000, 0xffbfffff, 0xffc00000, 0xffc02800, 0xfffffffc,
    0xffffffff,
  ],
];
/** The hypercall, and what happens when the guest lives on. */
const BODY = `
  set_gate 13, handler
  set_gate 14, handler
  set_gate 0x80, handler, 0xef00
ready: int $0x1f
  int $0x1f
  movl 0xc0200000,%eax
  movl %eax,0xc0200000
  inb $0x60,%al
  int $0x80
  jmp ready
handler:
  jmp ready`;

/** A guest that stands before a hypercall. */
function readyGuest(run: LguestRun): MachineSnapshot {
  run.machine.setBreakpoints([run.address('ready')]);
  assert.equal(run.run().reason, 'breakpoint');
  run.machine.setBreakpoints([]);
  return run.machine.save();
}

function setRegister(run: LguestRun, register: keyof typeof REGISTER, value: number): void {
  run.machine.cpu.state.setRegister32(REGISTER[register], value);
}

describe('lguest under hostile guests', function () {
  this.timeout(120_000);

  for (const start of LGUEST_STARTS)
    it(`survives any arguments of ${start}`, function () {
      const run = boot(lguestImage(this, start, BODY), 'reference');
      const ready = readyGuest(run);
      const random = new Random(0x16e57);
      const pick = (): number => {
        return (random.oneIn(4) ? random.word() : random.pick(EDGES)) >>> 0;
      };
      const revision = { lguest_boot_info: '2.6.23-rc1', 'boot header': '2.6.23' }[start as string] ?? start;
      const numbers = [...LGUEST_INTERFACES[revision as '2.6.24'].calls.keys()].filter((number) => number !== 2);
      for (let round = 0; round < 400; round++) {
        run.machine.restore(ready);
        const number = round % 10 === 0 ? pick() : (numbers[round % numbers.length] ?? 0);
        setRegister(run, 'eax', number);
        for (const register of ['ebx', 'ecx', 'edx', 'esi'] as const) setRegister(run, register, pick());
        run.machine.cpu.stateChanged();
        const stop = run.run(300);
        assert.ok(stop.description.length > 0);
        assert.notEqual(stop.reason, 'unimplemented', stop.description);
      }
    });

  it('survives any lguest_data and any ring', function () {
    const run = boot(lguestImage(this, '2.6.32', BODY), 'reference');
    const ready = readyGuest(run);
    const random = new Random(0xda7a);
    const at = run.address('lguest_data') - 0xc0000000;
    for (let round = 0; round < 200; round++) {
      run.machine.restore(ready);
      const bytes = Uint8Array.from({ length: 0x574 }, () => (random.oneIn(3) ? 0 : random.below(256)));
      run.machine.memory.write(at, bytes);
      setRegister(run, 'eax', 0);
      run.machine.cpu.stateChanged();
      assert.ok(run.run(500).description.length > 0);
    }
  });

  it('survives any page tables', function () {
    const run = boot(lguestImage(this, '2.6.24', BODY), 'reference');
    const ready = readyGuest(run);
    const random = new Random(0x9a6e);
    const directory = MEMORY - 4096;
    for (let round = 0; round < 200; round++) {
      run.machine.restore(ready);
      const words = new Uint32Array(1024).map(() => (random.oneIn(2) ? 0 : random.word()));
      // Where the kernel runs stays mapped in every other round.
      if (round % 2 === 0) words[768] = run.machine.memory.read32(directory + 768 * 4);
      run.machine.memory.write(directory, new Uint8Array(words.buffer));
      // In every third round the stack is where nobody knows.
      if (round % 3 === 0) setRegister(run, 'esp', random.oneIn(2) ? random.word() : random.pick(EDGES));
      setRegister(run, 'eax', 5);
      setRegister(run, 'edx', 1);
      run.machine.cpu.stateChanged();
      assert.ok(run.run(300).description.length > 0);
    }
  });

  it('survives any lguest_data address at LGUEST_INIT', function () {
    const image = lguestImage(this, '2.6.24', BODY);
    for (const address of EDGES) {
      const run = boot(image, 'reference');
      // mov $lguest_data,%edx is the second instruction.
      run.machine.memory.write(0x100006, new Uint8Array(Uint32Array.of(address).buffer));
      const { reason, description } = run.run(20_000);
      assert.ok(reason === 'error' || reason === 'max-instructions', description);
    }
  });
});
