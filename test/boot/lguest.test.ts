import assert from 'node:assert/strict';
import type { Context } from 'mocha';
import { decodeInformation } from '../../src/boot/information.ts';
import { openKernelImage } from '../../src/boot/kernel-image.ts';
import { lguest } from '../../src/boot/lguest.ts';
import type { LoadOptions, LoadPlan } from '../../src/boot/protocol.ts';
import { LGUEST_STARTS, lguestSource, LGUEST_SCRIPT, type LguestStart } from '../support/lguest-guests.ts';
import { plan, refusal, region, stringAt, wordAt } from './expect.ts';
import { buildKernel, MIB, withWord } from './kernels.ts';

const MEMORY = 16 * MIB;

function image(test: Context, start: LguestStart, more = ''): Uint8Array {
  const data = start === '3.2' || start === '4.4' ? '.balign 4096\ninitial_page_table: .skip 4096\n' : '';
  return buildKernel(test, {
    header: '',
    code: lguestSource(start, '  jmp .\n', `${data}${more}`),
    script: LGUEST_SCRIPT,
  });
}

function planned(test: Context, start: LguestStart, options: Partial<LoadOptions> = {}): LoadPlan {
  return plan(image(test, start), { memory: MEMORY, cmdline: 'console=hvc0', ...options }, 'lguest');
}

/** Page directory entry of a linear address at the entry. */
function directoryEntry(made: LoadPlan, linear: number): number {
  return wordAt(made, made.state.cr3 + (linear >>> 22) * 4);
}

/** Physical address by the tables of the entry, 0 where nothing is mapped. */
function physical(made: LoadPlan, linear: number): number {
  const entry = directoryEntry(made, linear);
  if ((entry & 1) === 0) return 0;
  if ((entry & 0x80) !== 0) return (entry & 0xffc00000) + (linear & 0x3fffff);
  const page = wordAt(made, (entry & 0xfffff000) + ((linear >>> 12) & 0x3ff) * 4);
  return (page & 1) === 0 ? 0 : ((page & 0xfffff000) >>> 0) + (linear & 0xfff);
}

describe('lguest entry', function () {
  it('tells the revisions apart by what their first code does', function () {
    const found = LGUEST_STARTS.map((start) => lguest.recognise(openKernelImage('vmlinux', image(this, start))));
    assert.deepEqual(
      found.map(({ offered }) => offered),
      LGUEST_STARTS.map(() => true),
    );
    assert.deepEqual(
      found.map(({ summary }) => summary.replace(/^.*interface of /, '')),
      ['2.6.23-rc1', '2.6.23', '2.6.24', '2.6.32', '3.0', '3.2', '4.4'].map((release) => `Linux ${release}`),
    );
    assert.deepEqual(
      found.map(({ fields }) => fields.map(({ name, meaning }) => `${name}: ${meaning}`)),
      [
        [
          'signature: the entry follows',
          'entry code: no use of ESI: takes struct lguest_boot_info',
          'lguest_data: bytes, as in Linux 2.6.23-rc1',
        ],
        [
          'signature: the entry follows',
          'entry code: mov %esi,%eax: takes a Linux boot header',
          'lguest_data: bytes, as in Linux 2.6.23',
        ],
        ['lguest_entry: LGUEST_INIT by int 0x1f, its argument in EDX', 'lguest_data: bytes, as in Linux 2.6.24'],
        ['lguest_entry: LGUEST_INIT by vmcall, its argument in EBX', 'lguest_data: bytes, as in Linux 2.6.32'],
        ...['3.0', '3.2', '4.4'].map((release) => [
          'lguest_entry: LGUEST_INIT by int 0x1f, its argument in EBX',
          `lguest_data: bytes, as in Linux ${release}`,
        ]),
      ],
    );
  });

  it('goes by the release where there are no symbols', function () {
    const revision = (start: LguestStart, release: string): string | undefined => {
      const bytes = image(this, start, `.ascii "Linux version ${release} (root@host)"\n`);
      // The name of the symbol is gone from the string table.
      const text = Buffer.from(bytes);
      text.write('xguest_data', text.lastIndexOf('\0lguest_data\0') + 1);
      return plan(text, { memory: MEMORY }, 'lguest').revision;
    };
    assert.deepEqual(
      [
        revision('2.6.32', '2.6.30'),
        revision('2.6.32', '2.6.31.14'),
        revision('3.2', '3.2.0-4-686'),
        revision('3.2', '4.0.1'),
        revision('3.2', '4.1.0'),
      ],
      ['2.6.30', '2.6.32', '3.2', '3.2', '4.4'],
    );
  });

  it('gives the registers of lguest_arch_setup_regs', function () {
    for (const start of LGUEST_STARTS) {
      const { state, hypervisor } = planned(this, start);
      assert.deepEqual(new Set(Object.values(state.registers)), new Set([0]));
      assert.equal(state.eflags, 0x202);
      assert.equal(state.cpl, 1);
      assert.deepEqual(state.segments.cs, { selector: 0x61, base: 0, limit: 0xffffffff, access: 0xc0bb00 });
      for (const name of ['ds', 'es', 'ss'] as const)
        assert.deepEqual(state.segments[name], { selector: 0x69, base: 0, limit: 0xffffffff, access: 0xc0b300 });
      for (const name of ['fs', 'gs'] as const) assert.equal(state.segments[name].access, 0);
      assert.equal(state.cr0 >>> 31, 1);
      assert.equal(hypervisor, 'lguest');
    }
  });

  it('enters behind the signature at its linear address, and Linux at its physical one', function () {
    for (const start of LGUEST_STARTS) {
      // UD2 and 13 bytes of text come first.
      const expected = start === 'lguest_boot_info' || start === 'boot header' ? 0xc010000f : 0x100000;
      assert.equal(planned(this, start).state.eip, expected, start);
    }
  });

  it('maps what launcher or host of the time mapped', function () {
    const mapped = (start: LguestStart): readonly boolean[] => {
      const made = planned(this, start);
      return [0x100123, 0xc0100123].map((linear) => physical(made, linear) === 0x100123);
    };
    assert.deepEqual(LGUEST_STARTS.map(mapped), [
      [false, true],
      [false, true],
      [true, false],
      [true, true],
      [true, true],
      [true, false],
      [true, false],
    ]);
  });

  it('puts the page directory at the end of memory and the tables below it, present, writable, user', function () {
    for (const start of ['boot header', '2.6.24', '2.6.32'] as const) {
      const made = planned(this, start);
      assert.equal(made.state.cr3, MEMORY - 0x1000);
      const linear = start === 'boot header' ? 0xc0000000 : 0;
      // 16 MiB are 4 tables.
      const entries = [0, 1, 2, 3, 4].map((n) => directoryEntry(made, linear + n * 0x400000));
      assert.deepEqual(entries, [0xffb007, 0xffc007, 0xffd007, 0xffe007, 0]);
      assert.equal(wordAt(made, 0xffb000 + 5 * 4), 0x5007);
    }
  });

  it('maps no more above PAGE_OFFSET than there is', function () {
    const made = planned(this, 'boot header', { memory: 1536 * MIB });
    assert.equal(physical(made, 0xfffff000), 0x3ffff000);
    assert.equal(directoryEntry(made, 0), 0);
  });

  it('writes lguest_boot_info for 2.6.23-rc1', function () {
    const initrd = { name: 'initrd', bytes: new Uint8Array(5000).fill(0x77) };
    const made = planned(this, 'lguest_boot_info', { initrd });
    assert.deepEqual([wordAt(made, 0), wordAt(made, 4)], [MEMORY / 4096, 8192]);
    assert.equal(stringAt(made, 8), 'console=hvc0');
    assert.equal(region(made, 'initial RAM disk initrd').address, MEMORY - 8192);
    assert.equal(made.state.cr3, MEMORY - 8192 - 4096);
    const bytes = region(made, 'lguest_boot_info').bytes;
    const read = (at: number, length: number): Uint8Array => bytes.slice(at, at + length);
    const { information } = made;
    assert.ok(information !== undefined);
    assert.deepEqual(
      decodeInformation(read, information).children?.map(({ name, text }) => `${name} ${text}`),
      ['max_pfn 4,096 pages = 16 MiB', 'initrd_size 8,192 bytes at 0xffe000', 'cmdline "console=hvc0"'],
    );
  });

  it('writes of boot_params what the launcher writes and nothing more', function () {
    for (const start of LGUEST_STARTS.slice(1)) {
      const params = Buffer.from(region(planned(this, start), 'boot_params').bytes);
      const expected = Buffer.alloc(4096);
      expected.writeUInt8(1, 0x1e8);
      expected.writeUInt32LE(MEMORY, 0x2d0 + 8);
      expected.writeUInt32LE(1, 0x2d0 + 16);
      expected.writeUInt32LE(4096, 0x228);
      expected.writeUInt32LE(1, 0x23c);
      if (start !== 'boot header') {
        expected.writeUInt16LE(0x207, 0x206);
        expected.writeUInt8(0x40, 0x211);
      }
      if (start === '4.4') expected.writeUInt32LE(0x1000000, 0x230);
      assert.deepEqual(params, expected, start);
      assert.equal(stringAt(planned(this, start), 4096), 'console=hvc0');
    }
  });

  it('hands the initial RAM disk over at the end of memory', function () {
    const initrd = { name: 'initrd', bytes: new Uint8Array(5000).fill(0x77) };
    const made = planned(this, '2.6.32', { initrd });
    assert.deepEqual([wordAt(made, 0x218), wordAt(made, 0x21c)], [MEMORY - 8192, 8192]);
    assert.equal(wordAt(made, 0x210) & 0xff, 0xff);
  });

  it('describes the console of 2.6.23 in the page above memory', function () {
    const devices = region(planned(this, 'boot header'), 'lguest devices');
    assert.deepEqual([devices.address, devices.size, devices.bytes[0]], [MEMORY, 4096, 1]);
    assert.equal(region(planned(this, '2.6.24'), 'lguest devices').bytes.length, 0);
  });

  it('refuses what does not fit', function () {
    const bytes = image(this, '2.6.32');
    assert.equal(refusal(bytes, { memory: MIB }, 'lguest').code, 'image-too-large');
    assert.equal(refusal(bytes, { cmdline: 'x'.repeat(5000) }, 'lguest').code, 'command-line-too-long');
    const initrd = { name: 'initrd', bytes: new Uint8Array(15 * MIB) };
    assert.equal(refusal(bytes, { initrd, memory: MEMORY }, 'lguest').code, 'image-too-large');
    assert.equal(refusal(bytes, { initrd, memory: 8 * MIB }, 'lguest').code, 'module-too-large');
    const modules = [1, 2].map((n) => ({ name: `m${n}`, bytes: new Uint8Array(1), cmdline: '' }));
    assert.equal(refusal(bytes, { modules }, 'lguest').code, 'module-not-taken');
    assert.equal(refusal(buildKernel(this), {}, 'lguest').code, 'entry-not-offered');
  });

  it('refuses a kernel with PAE by its symbols', function () {
    const more = '.globl lguest_pmd_clear\n.type lguest_pmd_clear, @function\nlguest_pmd_clear: ret\n';
    assert.equal(refusal(image(this, '2.6.32', more), {}, 'lguest').code, 'lguest-pae');
  });

  it('wants one page offset for all of 2.6.23', function () {
    const bytes = image(this, 'boot header');
    // p_paddr of the second program header of a 32-bit file.
    const at = 52 + 32 + 12;
    const moved = withWord(bytes, at, new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true) + 0x1000);
    assert.equal(refusal(moved, {}, 'lguest').code, 'lguest-page-offset');
  });

  it('answers every damaged image with a reason', function () {
    for (const start of ['boot header', '2.6.24'] as const) {
      const bytes = image(this, start);
      for (let length = 0; length < bytes.length; length += 37) {
        const cut = bytes.subarray(0, length);
        const found = lguest.recognise(openKernelImage('vmlinux', cut));
        assert.ok(found.summary.length > 0);
        if (!found.offered) assert.ok(refusal(cut, {}, 'lguest').title.length > 0);
      }
      for (let at = 0x18; at < 52 + 3 * 32; at += 4)
        for (const value of [0, 1, 0x7fffffff, 0xfffff000, 0xffffffff]) {
          const damaged = withWord(bytes, at, value);
          try {
            plan(damaged, {}, 'lguest');
          } catch (error) {
            assert.equal((error as Error).name, 'StartOfDayError', String(error));
          }
        }
    }
  });
});
