// A hypervisor of one's own: what a guest finds under it, in the place of bare hardware. Start it with
//
//   "program": "hypervisor.elf", "hypervisor": "./mine.mjs"
//
// Each method gets the guest as its last argument; what a method declines, the machine does as without it. docs/writing-a-hypervisor.md
// goes through it step by step.

const SIGNATURE = 'MineMineMine';
const SIGNATURE_LEAF = 0x40000000;
const HYPERVISOR_PRESENT = 0x80000000;
const BOOTS_MSR = 0x4d494e45;
const INVALID_OPCODE = 6;
/** UD2, then "mine". */
const EMULATED_RANDOM = [0x0f, 0x0b, ...new TextEncoder().encode('mine')];
const NANOSECONDS_PER_TICK = 10;
const ENOSYS = -38;

/** Everything that changes: it is in the snapshots of the machine, so that stepping back takes it along. */
let state = { random: 20061028 };

/** Hypercalls by the number in EAX. EBX and ECX hold the arguments. */
const CALLS = {
  1: {
    name: 'print',
    arguments: ['text', 'length'],
    run(guest) {
      const bytes = guest.readMemory(guest.register('ebx'), guest.register('ecx'));
      guest.print(new TextDecoder('latin1').decode(bytes));
      return bytes.length;
    },
  },
  2: { name: 'now', arguments: [], run: (guest) => guest.ticks * NANOSECONDS_PER_TICK },
  3: {
    name: 'shutdown',
    arguments: [],
    run(guest) {
      guest.shutdown('The guest has said good-bye to mine.mjs.');
      return 0;
    },
  },
};

/** A linear congruential generator: every run of a machine gives the same numbers. */
function random() {
  state.random = (Math.imul(state.random, 1103515245) + 12345) >>> 0;
  return state.random >>> 16;
}

export default {
  name: 'mine',

  startOfDay(guest) {
    guest.print(`mine.mjs: the guest starts at 0x${guest.register('eip').toString(16)}\n`);
  },

  cpuid(leaf, subleaf, own) {
    if (leaf === 1) return [own[0], own[1], (own[2] | HYPERVISOR_PRESENT) >>> 0, own[3]];
    if (leaf !== SIGNATURE_LEAF) return undefined;
    const words = new DataView(new TextEncoder().encode(SIGNATURE).buffer);
    return [SIGNATURE_LEAF, words.getUint32(0, true), words.getUint32(4, true), words.getUint32(8, true)];
  },

  hypercall({ instruction }, guest) {
    if (instruction !== 'vmcall') return undefined;
    const number = guest.register('eax');
    const call = CALLS[number];
    if (call === undefined) return { name: `call_${number}`, number, run: () => ENOSYS };
    const values = [guest.register('ebx'), guest.register('ecx')];
    return {
      name: call.name,
      number,
      arguments: Object.fromEntries(call.arguments.map((name, n) => [name, values[n]])),
      run: () => call.run(guest),
    };
  },

  privileged({ vector, address }, guest) {
    if (vector !== INVALID_OPCODE) return false;
    const bytes = guest.readMemory(address, EMULATED_RANDOM.length);
    if (!bytes.every((byte, n) => byte === EMULATED_RANDOM[n])) return false;
    guest.setRegister('eax', random());
    guest.setRegister('eip', guest.register('eip') + EMULATED_RANDOM.length);
    return true;
  },

  msr(index, value) {
    if (index !== BOOTS_MSR) return undefined;
    return value === undefined ? 1n : true;
  },

  save: () => ({ ...state }),
  restore(saved) {
    state = { ...saved };
  },
};
