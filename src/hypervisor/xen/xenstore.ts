import { GUEST_DOMAIN } from '../../abi/xen/hypercalls.ts';
import { PAGE_SIZE } from '../../abi/xen/layout.ts';
import { STORE_MESSAGE, STORE_RING } from '../../abi/xen/rings.ts';
import type { StoreMessage } from '../../abi/xen/rings.ts';
import type { DeviceState } from '../../machine/device.ts';
import type { Domain } from './domain.ts';
import { StoreTree } from './store-tree.ts';

/** Owner and rights of every node, as GET_PERMS says them. */
const PERMISSIONS = `n${GUEST_DOMAIN}\0`;

/** The backend of xenstore: answers the requests in the ring from a small tree. Text is Latin-1. */
export class XenStore {
  private readonly domain: Domain;
  private readonly machine: number;
  private readonly notify: () => void;
  private readonly tree = new StoreTree();
  private watches: [path: string, token: string][] = [];
  private transactions = 0;
  /** What did not fit into the ring yet. */
  private unsent: number[] = [];

  constructor(domain: Domain, frame: number, notify: () => void) {
    this.domain = domain;
    this.machine = frame * PAGE_SIZE;
    this.notify = notify;
  }

  /** The guest has notified, or waits: answers what has come. */
  kick(): void {
    this.flush();
    for (let request = this.take(); request !== undefined; request = this.take()) this.answer(request);
  }

  save(): DeviceState {
    const { watches, transactions, unsent } = this;
    return { watches, transactions, unsent, nodes: this.tree.save() };
  }
  restore(state: DeviceState): void {
    const { watches, transactions, unsent, nodes } = state as {
      watches: [string, string][];
      transactions: number;
      unsent: number[];
      nodes: [string, string][];
    };
    this.watches = [...watches];
    this.transactions = transactions;
    this.unsent = [...unsent];
    this.tree.restore(nodes);
  }

  private answer({ type, id, transaction, body }: Request): void {
    const name = STORE_MESSAGE[type];
    const reply = (text: string): void => this.send(type, id, transaction, text);
    const error = (errno: string): void => this.send(STORE_MESSAGE.indexOf('ERROR'), id, transaction, `${errno}\0`);
    const [first = '', ...rest] = body.split('\0');
    const second = rest.join('\0');
    if (name === undefined) return error('ENOSYS');
    const result = this.perform(name, first, second);
    if (result.error !== undefined) return error(result.error);
    reply(result.text);
    if (name === 'WATCH') this.fire(first, second.replace(/\0.*/s, ''));
    if (name === 'WRITE' || name === 'MKDIR' || name === 'RM') this.changed(first);
  }

  private perform(name: StoreMessage, path: string, rest: string): { readonly text: string; readonly error?: string } {
    const ok = (text = 'OK\0'): { text: string } => ({ text });
    const fail = (error: string): { text: string; error: string } => ({ text: '', error });
    switch (name) {
      case 'DIRECTORY': {
        const children = this.tree.children(path);
        return children === undefined ? fail('ENOENT') : ok(children.map((child) => `${child}\0`).join(''));
      }
      case 'READ': {
        const value = this.tree.read(path);
        return value === undefined ? fail('ENOENT') : ok(value);
      }
      case 'GET_PERMS':
        return this.tree.read(path) === undefined ? fail('ENOENT') : ok(PERMISSIONS);
      case 'SET_PERMS':
        return this.tree.read(path) === undefined ? fail('ENOENT') : ok();
      case 'WRITE':
        return this.tree.write(path, rest) ? ok() : fail('ENOSPC');
      case 'MKDIR':
        return this.tree.read(path) !== undefined || this.tree.write(path, '') ? ok() : fail('ENOSPC');
      case 'RM':
        return this.tree.remove(path) ? ok() : fail('ENOENT');
      case 'WATCH':
        if (this.watches.length >= 128) return fail('E2BIG');
        this.watches.push([path, rest.replace(/\0.*/s, '')]);
        return ok();
      case 'UNWATCH': {
        const token = rest.replace(/\0.*/s, '');
        const kept = this.watches.filter(([one, its]) => one !== path || its !== token);
        if (kept.length === this.watches.length) return fail('ENOENT');
        this.watches = kept;
        return ok();
      }
      case 'TRANSACTION_START':
        return ok(`${++this.transactions}\0`);
      case 'TRANSACTION_END':
        return ok();
      case 'GET_DOMAIN_PATH':
        return ok(`/local/domain/${path}\0`);
      case 'IS_DOMAIN_INTRODUCED':
        return ok(path === '0' || path === GUEST_DOMAIN.toString() ? 'T\0' : 'F\0');
      default:
        return fail('EACCES');
    }
  }

  private changed(path: string): void {
    const full = this.tree.absolute(path);
    for (const [watched, token] of this.watches) {
      const base = this.tree.absolute(watched);
      if (full === base || full.startsWith(`${base}/`)) this.fire(watched === base ? full : path, token);
    }
  }
  private fire(path: string, token: string): void {
    this.send(STORE_MESSAGE.indexOf('WATCH_EVENT'), 0, 0, `${path}\0${token}\0`);
  }

  /** The oldest request that is whole. */
  private take(): Request | undefined {
    const { requestConsumer, requestProducer, request, size, header, longestPayload } = STORE_RING;
    const { memory } = this.domain.host.cpu;
    const consumer = this.index(requestConsumer);
    const available = (this.index(requestProducer) - consumer) >>> 0;
    const byte = (n: number): number => memory.readPhysical(this.machine + request + ((consumer + n) & (size - 1)), 8);
    const word = (n: number): number =>
      (byte(n) | (byte(n + 1) << 8) | (byte(n + 2) << 16) | (byte(n + 3) << 24)) >>> 0;
    if (available < header) return undefined;
    const length = word(12);
    const consume = (bytes: number): void => {
      memory.writePhysical(this.machine + requestConsumer, 32, (consumer + bytes) >>> 0);
    };
    if (available > size || length > longestPayload) {
      this.domain.host.reportGap(
        `Xen: a xenstore request of ${length} bytes, in a ring of ${available}; xenstored would close the connection`,
      );
      consume(available);
      return undefined;
    }
    if (available < header + length) return undefined;
    const body = Array.from({ length }, (_, n) => String.fromCharCode(byte(header + n))).join('');
    const found = { type: word(0), id: word(4), transaction: word(8), body };
    consume(header + length);
    this.notify();
    return found;
  }

  private send(type: number, id: number, transaction: number, body: string): void {
    const bytes = new Uint8Array(STORE_RING.header + body.length);
    const view = new DataView(bytes.buffer);
    [type, id, transaction, body.length].forEach((word, n) => view.setUint32(n * 4, word, true));
    for (let n = 0; n < body.length; n++) bytes[STORE_RING.header + n] = body.charCodeAt(n);
    this.unsent.push(...bytes);
    this.flush();
  }

  private flush(): void {
    const { responseConsumer, responseProducer, response, size } = STORE_RING;
    const { memory } = this.domain.host.cpu;
    let producer = this.index(responseProducer);
    const free = size - ((producer - this.index(responseConsumer)) >>> 0);
    const now = this.unsent.splice(0, Math.max(0, free));
    if (now.length === 0) return;
    for (const byte of now) memory.writePhysical(this.machine + response + (producer++ & (size - 1)), 8, byte);
    memory.writePhysical(this.machine + responseProducer, 32, producer >>> 0);
    this.notify();
  }

  private index(offset: number): number {
    return this.domain.host.cpu.memory.readPhysical(this.machine + offset, 32) >>> 0;
  }
}

interface Request {
  readonly type: number;
  readonly id: number;
  readonly transaction: number;
  /** Latin-1. */
  readonly body: string;
}
