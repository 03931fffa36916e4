// What every page of ours is around its content: one file that carries its style, its script and its data, and loads nothing.

import { pageAssets } from './assets.ts';
import type { PageData } from './client/chart-data.ts';
import { embeddedJson, markup, trusted } from './markup.ts';

export interface PageContent {
  readonly title: string;
  /** HTML without styles and scripts. */
  readonly body: string;
  /** What its charts are drawn from. */
  readonly data: PageData;
}

export interface DocumentOptions {
  /** Where the link for readers without a mouse leads: an id of the body, and what is there. */
  readonly skipTo: { readonly id: string; readonly name: string };
  /** Allowed besides style and script, as the content security policy has it. */
  readonly alsoAllowed?: string;
}

export function renderDocument({ title, body, data }: PageContent, { skipTo, alsoAllowed }: DocumentOptions): string {
  const { style, script, contentSecurityPolicy } = pageAssets();
  const policy = `${contentSecurityPolicy}${alsoAllowed === undefined ? '' : `; ${alsoAllowed}`}`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${title}</title>
<style>${trusted(style)}</style>
</head>
<body>
<a class="skip" href="${`#${skipTo.id}`}">Skip to ${skipTo.name}</a>
${trusted(body)}
<script type="application/json" id="data">${embeddedJson(data)}</script>
<script>${trusted(script)}</script>
</body>
</html>
`.text;
}
