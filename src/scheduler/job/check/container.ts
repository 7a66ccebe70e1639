/** What can be wrong in a job's container by itself: parts that exclude each other, paths, ports, sizes. Pure. */

import { folderOf, publishedPort, tmpfsBytes } from '../container-spec.ts';
import type { RunDefinition } from '../definition.ts';
import {
  addressForm,
  hostNameForm,
  isPath,
  isUlimit,
  ownHostnameForm,
  ulimitName,
} from '../schema/container-forms.ts';
import { type Findings, shorten } from '../schema/explain.ts';
import { memoryBytes } from '../size.ts';

/** Adds what is wrong to the findings; the shape is right already. */
export function checkContainer(run: RunDefinition, findings: Findings): void {
  checkProgram(run, findings);
  checkNetworks(run, findings);
  checkFiles(run, findings);
  const shm = run.resources?.shm;
  if (shm !== undefined) findings.attempt(() => memoryBytes(shm, 'run.resources.shm'));
  for (const [name, { soft, hard = soft }] of Object.entries(run.ulimits ?? {})) {
    if (!ulimitName.test(name))
      refuse(findings, `run.ulimits.${name}`, name, 'a name as nofile, nproc, core');
    else if (!isUlimit(soft, hard)) {
      refuse(findings, `run.ulimits.${name}.hard`, hard, `${soft} or more, as soft is`);
    }
  }
  const both = run.capabilities?.add?.find((name) => run.capabilities?.drop?.includes(name));
  if (both !== undefined) refuse(findings, 'run.capabilities.drop', both, 'what is not in add');
}

function checkProgram(run: RunDefinition, findings: Findings): void {
  const ways = (['command', 'argv', 'entrypoint'] as const).filter((way) => run[way] !== undefined);
  const [, second] = ways;
  if (second !== undefined) {
    findings.add('INVALID_FIELD', `run has both ${ways.join(' and ')}. Only one of them can be started.`, {
      field: `run.${second}`,
      allowed: 'one of command (by /bin/sh -c), argv (without a shell) and entrypoint (with args)',
    });
  }
  if (run.args !== undefined && (run.command !== undefined || run.argv !== undefined)) {
    findings.add('INVALID_FIELD', 'run.args are for entrypoint, or for the image’s own program.', {
      field: 'run.args',
      allowed: 'with entrypoint, or with an image alone; otherwise put them into argv or command',
    });
  }
}

/** Alone, because a container that shares or lacks a network can't join another or publish ports. */
const networkModes = /^(?:none|host|default|container:.*)$/;

function checkNetworks(run: RunDefinition, findings: Findings): void {
  const { network, networks, ports = [] } = run;
  if (network !== undefined && networks !== undefined) {
    refuse(findings, 'run.networks', networks, 'network for one, networks for several');
  }
  for (const name of networks ?? []) {
    if (networkModes.test(name)) refuse(findings, 'run.networks', name, 'names; a mode goes into network');
  }
  ports.forEach((port, index) => void findings.attempt(() => publishedPort(port, `run.ports[${index}]`)));
  const mode = networks === undefined ? (network ?? 'none') : '';
  if (ports.length > 0 && mode !== 'default' && networkModes.test(mode)) {
    refuse(findings, 'run.ports', ports[0], `with a network of its own, and network is ${mode}`);
  }
  if (run.hostname !== undefined && !ownHostnameForm.test(run.hostname))
    refuse(findings, 'run.hostname', run.hostname, 'a host name of at most 64 characters');
  for (const [name, address] of Object.entries(run.hosts ?? {})) {
    if (!hostNameForm.test(name)) refuse(findings, `run.hosts.${name}`, name, 'a host name');
    else if (!addressForm.test(address)) refuse(findings, `run.hosts.${name}`, address, 'an IP address');
  }
}

function checkFiles(run: RunDefinition, findings: Findings): void {
  const { tmpfs = {}, secrets = {} } = run;
  for (const path of Object.keys(tmpfs)) {
    if (!isPath(path)) refuse(findings, `run.tmpfs.${path}`, path, 'a full path in the container');
  }
  findings.attempt(() => tmpfsBytes(tmpfs));
  const folders = new Set([
    ...Object.keys(tmpfs),
    ...(run.volumes ?? []).map((volume) => volume.split(':')[1]),
  ]);
  const taken = new Set<string>();
  for (const [name, { mount }] of Object.entries(secrets)) {
    if (mount === undefined) continue;
    const field = `run.secrets.${name}.mount`;
    const folder = folderOf(mount);
    if (!isPath(mount) || folder === '/' || mount.length - folder.length > maxFileName) {
      const allowed = `the full path of a file below a folder, its name at most ${maxFileName} characters`;
      refuse(findings, field, mount, allowed);
    } else if (folders.has(folder))
      refuse(findings, field, mount, `another folder: ${folder} is mounted already`);
    else if (taken.has(mount)) refuse(findings, field, mount, 'a path of its own');
    taken.add(mount);
  }
}

/** What an archive has room for. */
const maxFileName = 100;

function refuse(findings: Findings, field: string, value: unknown, allowed: string): void {
  findings.add('INVALID_FIELD', `${field} is ${JSON.stringify(shorten(value))}. Allowed: ${allowed}.`, {
    field,
    value: shorten(value),
    allowed,
  });
}
