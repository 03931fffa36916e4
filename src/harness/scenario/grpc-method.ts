// The method of a grpc workload, found in its .proto file, with the request ready to be sent.

import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type AnyDefinition, load as loadProto, type MethodDefinition, type PackageDefinition } from '@grpc/proto-loader';
import { didYouMean } from './did-you-mean.ts';
import { checkRequest, type EnumDescriptor, type MessageDescriptor, type Types } from './grpc-request.ts';
import { ScenarioError } from './options.ts';
import type { ValidGrpc } from './valid-scenario.ts';

export interface GrpcMethod {
  /** '/package.Service/Method' */
  readonly path: string;
  /** The encoded message. */
  readonly request: Buffer;
  /** Throws when the bytes are not such a message. */
  readonly deserialize: (bytes: Buffer) => object;
}

/**
 * @param load names the workload in messages.
 * @throws ScenarioError when the file cannot be read or is no protobuf, when it has no such method or a streaming one, and when the
 * request is not of its type
 */
export async function loadGrpcMethod(load: string, { proto, method: wanted, request }: ValidGrpc): Promise<GrpcMethod> {
  const path = `loads.${load}.workload`;
  const definitions = await readProto(proto, `${path}.proto`);
  const method = findMethod(definitions, wanted, `${path}.method`, proto);
  const types = typesOf(definitions);
  // The method has a copy of the descriptor, which does not say where it is from.
  const [name = ''] = [...types.messages].find(([, descriptor]) => isDeepStrictEqual(descriptor, method.requestType.type)) ?? [];
  const checked = checkRequest(request, name, types, `${path}.request`);
  if (checked.problems.length > 0) throw new ScenarioError(checked.problems);
  return { path: method.path, request: method.requestSerialize(checked.value), deserialize: method.responseDeserialize };
}

async function readProto(proto: string, path: string): Promise<PackageDefinition> {
  const file = resolve(proto);
  try {
    // Imports are relative to the file, or to the working directory as the file itself is.
    return await loadProto(file, { longs: String, includeDirs: [dirname(file), process.cwd()] });
  } catch (error) {
    const { code, message, path: missing } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? `there is no file ${missing ?? file}` : message;
    throw new ScenarioError([`${path}: '${proto}' cannot be loaded: ${reason}`], { cause: error });
  }
}

function findMethod(
  definitions: PackageDefinition,
  wanted: string,
  path: string,
  proto: string,
): MethodDefinition<object, object> {
  const [serviceName = '', methodName = ''] = wanted.split('/');
  const services = Object.keys(definitions).filter((name) => !isType(definitions[name] as AnyDefinition));
  const service = services.includes(serviceName) ? definitions[serviceName] : undefined;
  if (service === undefined || isType(service)) {
    const there = services.length === 0 ? 'no service' : services.join(', ');
    throw new ScenarioError([
      `${path}: there is no service '${serviceName}' in ${proto}; there is ${there}${didYouMean(serviceName, services)}`,
    ]);
  }
  const method = Object.hasOwn(service, methodName) ? service[methodName] : undefined;
  if (method === undefined) {
    const methods = Object.keys(service);
    throw new ScenarioError([
      `${path}: ${serviceName} has no method '${methodName}'; it has ${methods.join(', ')}${didYouMean(methodName, methods)}`,
    ]);
  }
  if (method.requestStream || method.responseStream)
    throw new ScenarioError([`${path}: '${wanted}' is a streaming method; only unary ones can be called`]);
  return method;
}

/** Messages and enumerations have a format; a service is an object of methods. */
function isType(definition: AnyDefinition): definition is Extract<AnyDefinition, { format: string }> {
  return 'format' in definition && typeof definition.format === 'string';
}

function typesOf(definitions: PackageDefinition): Types {
  const messages = new Map<string, MessageDescriptor>();
  const enums = new Map<string, EnumDescriptor>();
  const addMessage = (name: string, descriptor: MessageDescriptor) => {
    messages.set(name, descriptor);
    for (const nested of descriptor.nestedType) addMessage(`${name}.${nested.name}`, nested);
    for (const nested of descriptor.enumType) enums.set(`${name}.${nested.name}`, nested);
  };
  for (const [name, definition] of Object.entries(definitions)) {
    if (!isType(definition)) continue;
    if (definition.format.includes('Enum')) enums.set(name, definition.type as EnumDescriptor);
    else addMessage(name, definition.type as MessageDescriptor);
  }
  return { messages, enums };
}
