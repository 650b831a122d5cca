import type { Difference, JudgedCase, TestedFile } from '../runtime/policy/test-policies.ts';

/** Results as JUnit XML, as CI systems read it: a suite a file, a test a case. */
export function junitOf(files: readonly TestedFile[]): string {
  const all = files.flatMap(({ judged }) => judged);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'countersign policy test', ...counts(all) })}>`,
    ...files.map(suite),
    '</testsuites>',
    '',
  ].join('\n');
}

function suite({ file, judged }: TestedFile): string {
  const cases = judged.map((one) => testCase(file, one));
  return [`  <testsuite${attributes({ name: file, ...counts(judged) })}>`, ...cases, '  </testsuite>'].join(
    '\n',
  );
}

function testCase(file: string, { case: { title, place }, differences }: JudgedCase): string {
  const named = attributes({ classname: file, name: title, file, line: String(place.line) });
  if (differences.length === 0) return `    <testcase${named}/>`;
  const said = differences.map(sentence).join('; ');
  return `    <testcase${named}><failure${attributes({ message: said })}/></testcase>`;
}

function sentence({ what, expected, decided }: Difference): string {
  return `${what}: expected ${valueText(expected)}, decided ${valueText(decided)}`;
}

function valueText(value: Difference['expected']): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function counts(judged: readonly JudgedCase[]): Record<string, string> {
  const failures = judged.filter(({ differences }) => differences.length > 0).length;
  return { tests: String(judged.length), failures: String(failures) };
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
    .join('');
}

/** What XML 1.0 cannot say at all, even as a reference, becomes the sign for it. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}')
    .replace(/[&<>"\t\n\r]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
