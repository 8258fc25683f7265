import type { DebugProtocol } from '@vscode/debugprotocol';
import { DapClient } from './dap-client.ts';

/** A client with the questions that tests ask a stopped session over and over. */
export class DebugSession {
  readonly client: DapClient;

  constructor(client: DapClient = DapClient.spawn()) {
    this.client = client;
  }

  /** Runs until the event of the next stop. */
  async resume(command: 'continue' | 'next' | 'stepIn' | 'stepOut'): Promise<Record<string, unknown>> {
    await this.client.request(command, { threadId: 1 });
    return this.client.event('stopped');
  }

  async frames(): Promise<DebugProtocol.StackFrame[]> {
    return (await this.client.request('stackTrace', { threadId: 1 })).stackFrames;
  }

  /** Name of the innermost frame. */
  async place(): Promise<string> {
    return (await this.frames())[0]?.name ?? '';
  }

  async scope(name: string): Promise<number> {
    const { scopes } = await this.client.request('scopes', { frameId: 1 });
    const scope = scopes.find((candidate) => candidate.name === name);
    if (scope === undefined) throw new Error(`no scope ${name} among ${scopes.map((one) => one.name).join(', ')}`);
    return scope.variablesReference;
  }

  async children(reference: number): Promise<DebugProtocol.Variable[]> {
    return (await this.client.request('variables', { variablesReference: reference })).variables;
  }

  /** The variable at a path of names, the first of them a scope. */
  async variable(scope: string, ...path: string[]): Promise<DebugProtocol.Variable> {
    let rows = await this.children(await this.scope(scope));
    for (let depth = 0; ; depth++) {
      const found = rows.find(({ name }) => name === path[depth]);
      if (found === undefined)
        throw new Error(`no ${path[depth] ?? ''} among ${rows.map(({ name }) => name).join(', ')}`);
      if (depth === path.length - 1) return found;
      rows = await this.children(found.variablesReference);
    }
  }

  async evaluate(expression: string, context = 'watch'): Promise<string> {
    return (await this.client.request('evaluate', { expression, context })).result;
  }

  async memory(address: string, count: number): Promise<Buffer> {
    const body = await this.client.request('readMemory', { memoryReference: address, count });
    return Buffer.from(body?.data ?? '', 'base64');
  }
}
