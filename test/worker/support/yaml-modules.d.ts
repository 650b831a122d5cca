declare module '*.yaml' {
  const text: string;
  export { text as default };
}
