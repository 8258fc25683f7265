import { GUEST_DOMAIN } from '../../abi/xen/hypercalls.ts';
import { CONSOLE_PORT } from '../../abi/xen/layout.ts';

/** Most nodes that a guest may have made. */
const MOST_NODES = 1000;
const HOME = `/local/domain/${GUEST_DOMAIN}`;

/** What Xen's tools leave for a domain without devices. */
const INITIAL: readonly (readonly [path: string, value: string])[] = [
  [`${HOME}/domid`, GUEST_DOMAIN.toString()],
  [`${HOME}/name`, 'guest'],
  [`${HOME}/vm`, '/vm/start-of-day'],
  [`${HOME}/control/shutdown`, ''],
  [`${HOME}/console/type`, 'xenconsoled'],
  [`${HOME}/console/port`, CONSOLE_PORT.toString()],
  ['/vm/start-of-day/name', 'guest'],
];

/** Paths and values. A path that does not begin with / is relative to the domain's own. */
export class StoreTree {
  private nodes = new Map<string, string>(INITIAL);

  absolute(path: string): string {
    const full = path.startsWith('/') ? path : `${HOME}/${path}`;
    return full.length > 1 && full.endsWith('/') ? full.slice(0, -1) : full;
  }

  /** Undefined where there is no node; '' for one that has children alone. */
  read(path: string): string | undefined {
    const full = this.absolute(path);
    return this.nodes.get(full) ?? (this.children(full) === undefined ? undefined : '');
  }

  /** Names of the children; undefined where there is no node. */
  children(path: string): string[] | undefined {
    const full = this.absolute(path);
    const prefix = full === '/' ? '/' : `${full}/`;
    const names = new Set<string>();
    for (const node of this.nodes.keys()) {
      const [name] = node.startsWith(prefix) ? node.slice(prefix.length).split('/') : [];
      if (name !== undefined && name !== '') names.add(name);
    }
    return names.size === 0 && !this.nodes.has(full) ? undefined : [...names];
  }

  /** False when there are too many. */
  write(path: string, value: string): boolean {
    const full = this.absolute(path);
    if (!this.nodes.has(full) && this.nodes.size >= MOST_NODES) return false;
    this.nodes.set(full, value);
    return true;
  }

  /** With all that is below; false when there was nothing. */
  remove(path: string): boolean {
    const full = this.absolute(path);
    const doomed = [...this.nodes.keys()].filter((node) => node === full || node.startsWith(`${full}/`));
    for (const node of doomed) this.nodes.delete(node);
    return doomed.length > 0;
  }

  save(): [path: string, value: string][] {
    return [...this.nodes];
  }
  restore(nodes: readonly (readonly [path: string, value: string])[]): void {
    this.nodes = new Map(nodes);
  }
}
