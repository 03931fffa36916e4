// Every dashboard, by the name of its file under grafana/dashboards/.

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { clients } from './clients.ts';
import { harness } from './harness.ts';
import { overview } from './overview.ts';
import { raft } from './raft.ts';
import { resources } from './resources.ts';

export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  'overview.json': overview,
  'raft.json': raft,
  'resources.json': resources,
  'clients.json': clients,
  'harness.json': harness,
};
