import type { DebugProtocol } from '@vscode/debugprotocol';
import type { CustomRequests } from './protocol.ts';

interface Request<Arguments, Body = undefined> {
  readonly arguments: Arguments;
  readonly body: Body;
}

/** Every request that the adapter answers, with its arguments and the body of its response. */
export type Requests = {
  initialize: Request<DebugProtocol.InitializeRequestArguments, DebugProtocol.Capabilities>;
  launch: Request<DebugProtocol.LaunchRequestArguments>;
  configurationDone: Request<DebugProtocol.ConfigurationDoneArguments | undefined>;
  restart: Request<DebugProtocol.RestartArguments | undefined>;
  terminate: Request<DebugProtocol.TerminateArguments | undefined>;
  disconnect: Request<DebugProtocol.DisconnectArguments | undefined>;

  setBreakpoints: Request<DebugProtocol.SetBreakpointsArguments, DebugProtocol.SetBreakpointsResponse['body']>;
  setFunctionBreakpoints: Request<
    DebugProtocol.SetFunctionBreakpointsArguments,
    DebugProtocol.SetFunctionBreakpointsResponse['body']
  >;
  setInstructionBreakpoints: Request<
    DebugProtocol.SetInstructionBreakpointsArguments,
    DebugProtocol.SetInstructionBreakpointsResponse['body']
  >;
  setExceptionBreakpoints: Request<
    DebugProtocol.SetExceptionBreakpointsArguments,
    DebugProtocol.SetExceptionBreakpointsResponse['body']
  >;

  threads: Request<undefined, DebugProtocol.ThreadsResponse['body']>;
  continue: Request<DebugProtocol.ContinueArguments, DebugProtocol.ContinueResponse['body']>;
  pause: Request<DebugProtocol.PauseArguments>;
  next: Request<DebugProtocol.NextArguments>;
  stepIn: Request<DebugProtocol.StepInArguments>;
  stepOut: Request<DebugProtocol.StepOutArguments>;

  stackTrace: Request<DebugProtocol.StackTraceArguments, DebugProtocol.StackTraceResponse['body']>;
  scopes: Request<DebugProtocol.ScopesArguments, DebugProtocol.ScopesResponse['body']>;
  variables: Request<DebugProtocol.VariablesArguments, DebugProtocol.VariablesResponse['body']>;
  setVariable: Request<DebugProtocol.SetVariableArguments, DebugProtocol.SetVariableResponse['body']>;
  evaluate: Request<DebugProtocol.EvaluateArguments, DebugProtocol.EvaluateResponse['body']>;
  exceptionInfo: Request<DebugProtocol.ExceptionInfoArguments, DebugProtocol.ExceptionInfoResponse['body']>;

  readMemory: Request<DebugProtocol.ReadMemoryArguments, DebugProtocol.ReadMemoryResponse['body']>;
  writeMemory: Request<DebugProtocol.WriteMemoryArguments, DebugProtocol.WriteMemoryResponse['body']>;
  disassemble: Request<DebugProtocol.DisassembleArguments, DebugProtocol.DisassembleResponse['body']>;
} & { [C in keyof CustomRequests]: Request<CustomRequests[C]['arguments'], CustomRequests[C]['reply']> };

export type Command = keyof Requests;

/** Answers one request: returns the body of the response, or throws what becomes its error. */
export type Handler<C extends Command> = (
  request: Requests[C]['arguments'],
) => Requests[C]['body'] | Promise<Requests[C]['body']>;

/** The handlers of some requests, one file per family. */
export type Handlers<C extends Command = Command> = { readonly [Name in C]: Handler<Name> };
