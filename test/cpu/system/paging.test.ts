import assert from 'node:assert/strict';
import { cpuModel } from '../../../src/x86/cpu-model.ts';
import { walkPages, type PageAccess } from '../../../src/x86/page-walk.ts';
import { assemble } from '../../support/assembler.ts';
import { ENGINES, Guest, PLACE } from '../../support/cpu-harness.ts';

const [PSE, PAE] = [0x10, 0x20];
const WP = 0x10000;
const PAGING = 0x80000001;
const LINEAR = 0x40201234;

/** Address, low word and high word of a table entry. */
type Entry = readonly [address: number, low: number, high: number];

interface Mode {
  readonly name: string;
  readonly cr4: number;
  readonly physical: number;
  readonly entries: (upper: number, lower: number, noExecute: number) => readonly Entry[];
}

/** The ways to map {@link LINEAR}: the entries from the top, built of the rights at the two lowest levels, and the page it leads to. */
const MODES: readonly Mode[] = [
  {
    name: '4 KiB pages of 32-bit paging',
    cr4: 0,
    physical: 0x7234,
    entries: (upper: number, lower: number) => [
      [0x1000 + 0x100 * 4, 0x2001 | upper, 0],
      [0x2000 + 0x201 * 4, 0x7001 | lower, 0],
    ],
  },
  {
    name: '4 MiB pages',
    cr4: PSE,
    physical: 0x3_0060_1234 - 0x400000,
    entries: (upper: number, lower: number) => [[0x1000 + 0x100 * 4, 0x6081 | (upper & lower), 0]],
  },
  {
    name: '4 KiB pages of PAE paging',
    cr4: PAE,
    physical: 0x2_0000_7234,
    entries: (upper: number, lower: number, noExecute: number) => [
      [0x2000 + 1 * 8, 0x3001 | upper, 0],
      [0x3000 + 1 * 8, 0x7001 | lower, (2 | noExecute) >>> 0],
    ],
  },
  {
    name: '2 MiB pages',
    cr4: PAE,
    physical: 0x1_0080_1234,
    entries: (upper: number, lower: number, noExecute: number) => [
      [0x2000 + 1 * 8, 0x800081 | (upper & lower), (1 | noExecute) >>> 0],
    ],
  },
];

/** The rights of SDM 3, 4.6.1, row by row: who may do what to a page of which address kind. */
function allowed(
  supervisor: boolean,
  access: string,
  user: boolean,
  write: boolean,
  wp: boolean,
  nx: boolean,
): boolean {
  if (supervisor) {
    // "Data reads: from any ... address with a valid translation."
    if (access === 'read') return true;
    // "If CR0.WP = 0, data may be written to any ... address"; with WP = 1 only where R/W is 1 at every level.
    if (access === 'write') return !wp || write;
    // "For IA32_EFER.NXE = 1, from any address with XD 0 in every entry" (without SMEP).
    return !nx;
  }
  if (!user) return false;
  if (access === 'write') return write;
  return access === 'read' || !nx;
}

describe('rights of pages (SDM 3, 4.6.1), every combination', () => {
  for (const mode of MODES) {
    it(mode.name, () => {
      let count = 0;
      for (let bits = 0; bits < 256; bits++) {
        const flag = (n: number): boolean => ((bits >>> n) & 1) !== 0;
        const [upperWrite, upperUser, lowerWrite, lowerUser] = [flag(0), flag(1), flag(2), flag(3)];
        const nx = flag(4) && mode.cr4 === PAE;
        const enabled = flag(5) && mode.cr4 === PAE;
        for (const access of ['read', 'write', 'fetch'] as const) {
          const upper = (upperWrite ? 2 : 0) | (upperUser ? 4 : 0);
          const lower = (lowerWrite ? 2 : 0) | (lowerUser ? 4 : 0);
          const memory = new Map<number, number>();
          for (const [address, low, high] of mode.entries(upper, lower, nx ? 0x80000000 : 0)) {
            memory.set(address, low);
            memory.set(address + 4, high);
          }
          const [cpl, wp] = [flag(6) ? 3 : 0, flag(7)];
          const context: PageAccess = {
            cr0: PAGING + (wp ? WP : 0),
            cr3: 0x1000,
            cr4: mode.cr4,
            noExecute: enabled,
            directoryPointers: [0, 0x2001, 0, 0].map((value) => ({ value, high: 0 })),
            model: cpuModel('default'),
            cpl,
            access,
          };
          const result = walkPages(LINEAR, context, (physical) => memory.get(physical) ?? 0);
          const user = upperUser && lowerUser;
          const write = upperWrite && lowerWrite;
          const what = JSON.stringify({ upper, lower, nx, enabled, cpl, wp, access });
          // SDM 3, 4.7: P, W/R, U/S, RSVD, I/D.
          const code = (access === 'write' ? 2 : 0) | (cpl === 3 ? 4 : 0) | (access === 'fetch' && enabled ? 16 : 0);
          if (nx && !enabled) assert.equal(result.fault?.errorCode, code | 9, `${what}: XD is reserved`);
          else if (allowed(cpl === 0, access, user, write, wp, nx)) {
            assert.equal(result.fault, undefined, what);
            assert.equal(result.physical, mode.physical, what);
          } else assert.equal(result.fault?.errorCode, code | 1, what);
          count++;
        }
      }
      assert.equal(count, 768);
    });
  }
});

for (const engine of ENGINES) {
  describe(`PAE paging of a guest (SDM 3, 4.4) (${engine})`, () => {
    /** Identity of the first 2 MiB but for linear 0x200000, whose PDE is `pde`. */
    function guestWith(source: string, pde: readonly [number, number]) {
      const program = assemble(
        `mov eax, 0x4000; mov cr3, eax; mov eax, cr4; or eax, 0x20; mov cr4, eax
        mov ecx, 0xc0000080; rdmsr; or eax, 0x800; wrmsr; mov eax, cr0; or eax, 0x80010000; mov cr0, eax; ${source}
        done: hlt`,
        PLACE.code,
      );
      const guest = new Guest(engine, { code: program.bytes, ramSize: 0x800000 });
      guest.writeWords(0x4000, 0x5001, 0);
      guest.writeWords(0x5000, 0x83, 0, ...pde);
      return guest;
    }

    it('reads and writes a 2 MiB page, and sets A and D', () => {
      const guest = guestWith('mov dword ptr [0x200010], 0x1234; mov ebx, [0x200010]', [0x600083, 0]);
      assert.equal(guest.run(100).kind, 'halted');
      assert.equal(guest.readWord(0x600010), 0x1234);
      assert.equal(guest.register(3), 0x1234);
      assert.equal(guest.readWord(0x5008), 0x6000e3);
    });

    it('refuses to run a no-execute page that was just read', () => {
      const guest = guestWith('mov ebx, [0x200000]; mov eax, 0x200000; jmp eax', [0x600083, 0x80000000]);
      const exit = guest.run(100);
      assert.ok(exit.kind === 'triple-fault');
      assert.deepEqual([exit.chain[0]?.vector, exit.chain[0]?.errorCode], [14, 0x11]);
      assert.equal(
        exit.chain[0]?.reason,
        'fetch of lin:0x00200000: page is no-execute (PDE 1 at phys:0x00005008 is 0x80000000006000a3 P W A PS XD)',
      );
    });

    it('finds nothing above 4 GiB', () => {
      const guest = guestWith('mov ebx, [0x200000]', [0x600083, 1]);
      assert.equal(guest.run(100).kind, 'halted');
      assert.equal(guest.register(3), 0xffffffff);
    });

    it('keeps the page-directory pointers until CR3 is loaded, and refuses reserved bits in them', () => {
      const guest = guestWith(
        'mov dword ptr [0x4000], 0; mov ebx, 7; mov dword ptr [0x4000], 0x5007; mov eax, cr3; mov cr3, eax',
        [0, 0],
      );
      const exit = guest.run(100);
      assert.ok(exit.kind === 'triple-fault');
      assert.equal(guest.register(3), 7);
      assert.equal(
        exit.chain[0]?.reason,
        'PDPTE 0 at phys:0x00004000 is 0x0000000000005007 P W U: reserved bits among 1 to 2 set',
      );
    });
  });

  describe(`address line 20 (${engine})`, () => {
    it('held low, masks bit 20 of data, code and page tables', () => {
      const program = assemble('mov dword ptr [0x120000], 5; mov ebx, [0x20000]; hlt', PLACE.code);
      const guest = new Guest(engine, { ramSize: 0x300000 });
      guest.writeBytes(PLACE.code, program.bytes);
      guest.cpu.setA20(false);
      guest.cpu.state.ip = PLACE.code + 0x100000;
      assert.equal(guest.run(10).kind, 'halted');
      assert.equal(guest.register(3), 5);
      assert.equal(guest.readWord(0x120000), 0);
    });
  });

  describe(`alignment checks (SDM 3, 6.15, interrupt 17) (${engine})`, () => {
    for (const [source, faults] of [
      ['mov eax, [0x20001]', true],
      ['mov ax, [0x20003]', true],
      ['mov al, [0x20003]', false],
      ['mov [0x20004], eax', false],
      ['lock cmpxchg8b [0x20004]', true],
      ['push eax; mov esp, 0x7fffe; push ax; push eax', false],
    ] as const) {
      it(source, () => {
        const guest = new Guest(engine, { code: assemble(`${source}\nl: jmp l`, PLACE.code).bytes });
        guest.enterLevel(3);
        guest.cpu.state.setControl(0, guest.cpu.state.control(0) | 0x40000);
        guest.cpu.state.eflags |= 0x40000;
        const exit = guest.run(20);
        assert.equal(exit.kind, faults ? 'triple-fault' : 'budget');
        if (exit.kind === 'triple-fault') assert.deepEqual([exit.chain[0]?.vector, exit.chain[0]?.errorCode], [17, 0]);
      });
    }
  });
}
