/** Checks a job's settings of where and in what it runs by themselves: conflicts, paths, ports, sizes. Pure. */

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

/** Adds problems to the findings. The shape has already been validated. */
export function checkContainer(run: RunDefinition, findings: Findings): void {
  checkProgram(run, findings);
  checkNetworks(run, findings);
  checkFiles(run, findings);
  const shm = run.resources?.shm;
  if (shm !== undefined) findings.attempt(() => memoryBytes(shm, 'run.resources.shm'));
  for (const [name, { soft, hard = soft }] of Object.entries(run.ulimits ?? {})) {
    if (!ulimitName.test(name))
      refuse(findings, `run.ulimits.${name}`, name, 'a name such as nofile, nproc or core');
    else if (!isUlimit(soft, hard)) {
      refuse(findings, `run.ulimits.${name}.hard`, hard, `${soft} (the soft limit) or more`);
    }
  }
  if (run.host !== undefined && run.on !== undefined)
    refuse(findings, 'run.host', run.host, 'one of host and on; on: host==… with further conditions');
  const both = run.capabilities?.add?.find((name) => run.capabilities?.drop?.includes(name));
  if (both !== undefined) refuse(findings, 'run.capabilities.drop', both, 'capabilities that are not in add');
}

function checkProgram(run: RunDefinition, findings: Findings): void {
  const ways = (['command', 'argv', 'entrypoint'] as const).filter((way) => run[way] !== undefined);
  const [, second] = ways;
  if (second !== undefined) {
    findings.add('INVALID_FIELD', `run has ${ways.join(' and ')}. Allowed: one of them.`, {
      field: `run.${second}`,
      allowed: 'one of command (run by /bin/sh -c), argv (without a shell) and entrypoint (with args)',
    });
  }
  if (run.args !== undefined && (run.command !== undefined || run.argv !== undefined)) {
    findings.add('INVALID_FIELD', 'run.args requires entrypoint, or an image without command and argv.', {
      field: 'run.args',
      allowed: 'with entrypoint, or with an image alone; otherwise put them into argv or command',
    });
  }
}

/** Only valid alone: a container that shares or lacks a network cannot join another or publish ports. */
const networkModes = /^(?:none|host|default|container:.*)$/;

function checkNetworks(run: RunDefinition, findings: Findings): void {
  const { network, networks, ports = [] } = run;
  if (network !== undefined && networks !== undefined) {
    refuse(findings, 'run.networks', networks, 'use network for one, networks for several');
  }
  for (const name of networks ?? []) {
    if (networkModes.test(name))
      refuse(findings, 'run.networks', name, 'network names; set a mode in network');
  }
  ports.forEach((port, index) => void findings.attempt(() => publishedPort(port, `run.ports[${index}]`)));
  const mode = networks === undefined ? (network ?? 'none') : '';
  if (ports.length > 0 && mode !== 'default' && networkModes.test(mode)) {
    refuse(
      findings,
      'run.ports',
      ports[0],
      `ports require a network of the container’s own, but network is ${mode}`,
    );
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
    if (!isPath(path)) refuse(findings, `run.tmpfs.${path}`, path, 'an absolute path in the container');
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
      const allowed = `the absolute path of a file in a folder, with a name of at most ${maxFileName} characters`;
      refuse(findings, field, mount, allowed);
    } else if (folders.has(folder))
      refuse(findings, field, mount, `another folder, because ${folder} is already mounted`);
    else if (taken.has(mount)) refuse(findings, field, mount, 'a path that no other secret uses');
    taken.add(mount);
  }
}

/** Limit of the archive format. */
const maxFileName = 100;

function refuse(findings: Findings, field: string, value: unknown, allowed: string): void {
  findings.add('INVALID_FIELD', `${field} is ${JSON.stringify(shorten(value))}. Allowed: ${allowed}.`, {
    field,
    value: shorten(value),
    allowed,
  });
}
