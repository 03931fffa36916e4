import { expect, test } from 'vitest';
import { embeddedJson, markup, trusted } from './markup.ts';

test('what is put into a template is text, in elements and in attributes', () => {
  const evil = `<script>"'&`;
  expect(markup`<a title="${evil}">${evil}</a>`.text).toBe(
    '<a title="&lt;script&gt;&quot;&#39;&amp;">&lt;script&gt;&quot;&#39;&amp;</a>',
  );
});

test('markup in markup stays markup, lists are joined, nothing is nothing', () => {
  const items = [1, 'a<b', undefined, false as const, trusted('<hr>')].map((part) => markup`<li>${part}</li>`);
  expect(markup`<ul>${items}</ul>`.text).toBe('<ul><li>1</li><li>a&lt;b</li><li></li><li></li><li><hr></li></ul>');
});

test('embedded JSON cannot end its element, and is what it was', () => {
  const value = { name: '</script><!--<script>', list: [1, null] };
  const { text } = embeddedJson(value);
  expect(text).not.toContain('<');
  expect(JSON.parse(text)).toEqual(value);
});
