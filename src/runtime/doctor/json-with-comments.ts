/**
 * JSON as editors and hosts let people write it: with comments, and with a comma after the last element. Throws SyntaxError for
 * everything else that is no JSON.
 */
export function parseJsonWithComments(text: string): unknown {
  // A string is taken whole, so that nothing within one is read as a comment.
  const withoutComments = text
    .replace(/^\u{feff}/u, '')
    .replaceAll(/"(?:\\.|[^"\\])*"|\/\/[^\n\r]*|\/\*[^]*?\*\//g, (found) =>
      found.startsWith('"') ? found : ' ',
    );
  const strict = withoutComments.replaceAll(/"(?:\\.|[^"\\])*"|,(?=\s*[\]}])/g, (found) =>
    found.startsWith('"') ? found : '',
  );
  return JSON.parse(strict);
}
