import type { FindingKind } from './finding.ts';

const people = 'user|users|human|humans|person|people|customer|customers|operator|anyone|anybody|them';
const sayings =
  'tell|mention|inform|reveal|disclose|notify|alert|show|say|ask|warn|explain|display|report|confirm|expose';
const tellings =
  'telling|mentioning|informing|revealing|disclosing|notifying|alerting|asking|warning|explaining';
const orders =
  'instructions|instruction|prompt|prompts|rules|guidelines|directives|directions|commands|messages';
const givings = 'send|include|attach|append|copy|upload|forward|leak|exfiltrate|transmit|embed|submit|email';
const takings = 'collect|gather|harvest|steal|extract|dump|grab';
const secrets =
  'password|passwords|passphrase|secret|secrets|credential|credentials|tokens|keys|cookies|apikeys|wallets|env|environment';
const others = 'any|all|every|each|other|another|others';
const callings = 'call|use|invoke|run|execute|trigger';
const beingCalled = 'called|used|invoked|run|executed|triggered|available|present|requested|needed';
const models = 'ai|llm|assistant|model|claude|chatgpt|gpt|gemini|copilot|agent';

/**
 * Sentences that are looked for: what was seen in attacks, and is in no description of the servers that the tests hold against it.
 * Words stand between numbers: each is one of several (`read|open`), or none of several (`!this|the`), in small letters and
 * without apostrophes; the number says how many others may stand before the next.
 */
export const phrases: Readonly<Partial<Record<FindingKind, readonly string[]>>> = {
  'overrides-instructions': [
    `ignore|disregard|forget|discard|neglect 3 previous|previously|prior|earlier|above|preceding|all|any|your|other|the|these|those|system|original|safety 3 ${orders}`,
    'ignore|disregard|forget 1 everything|anything|all 3 above|before|previous|previously|earlier|told|said',
    `override|overrides|bypass|supersede|supersedes 2 previous|prior|system|your|safety|earlier|security|user|users 1 ${orders}|restrictions|safeguards|policies|policy|guardrails|filters`,
    'your|these|new|following 1 new|real|true|actual|updated 1 instructions|instruction|task|goal|objective|rules',
    'reveal|leak|repeat|print|output|return|disclose 3 system|developer 0 prompt|message|instructions',
    `do|must|should 0 not 1 follow|obey|respect|honor 3 ${orders}`,
    'ignoriere|ignorieren|vergiss|missachte 4 anweisungen|anweisung|regeln|vorgaben|instruktionen',
    'ignore|ignorez|ignorer|oublie|oubliez 3 instructions|consignes|directives 1 precedentes|précédentes|anterieures|antérieures',
    'ignora|ignore|olvida|olvide|dimentica|esqueça|desconsidere 4 instrucciones|indicaciones|istruzioni|instruções',
  ],
  'hides-from-person': [
    `do|must|should|shall|may 0 not 2 ${sayings} 5 ${people}`,
    `never|dont|mustnt|shouldnt|avoid 2 ${sayings}|${tellings} 5 ${people}`,
    'do|must|should 0 not 0 mention|reveal|disclose|talk 2 this|it|that|these',
    'never|dont 0 mention|reveal|disclose 1 this|it|that|these',
    `without 1 ${tellings} 3 ${people}`,
    'without 2 users|user|persons|their|any 1 knowledge|consent|knowing|awareness|approval|confirmation|noticing',
    `${people} 1 must|should|shall|need|needs 1 not|never 2 know|notice|see|aware|informed|told`,
    `${people} 2 not|doesnt|dont 0 need 1 know|see|notice`,
    `no 0 need 1 ${sayings} 5 ${people}`,
    'keep|keeping 2 this|it|that 3 secret|hidden|confidential|between|private',
    'hide|conceal|hiding 2 this|it|that|these 2 from',
    `silently|secretly|quietly|covertly|discreetly 3 ${givings}|bcc|post|call|invoke|read|add|execute|use`,
    'nicht|nichts|nie 4 benutzer|nutzer|anwender 1 sagen|mitteilen|verraten|zeigen|erwähnen',
    'sag|sage|verrate|zeige|erzähle 3 benutzer|nutzer|anwender 1 nicht|nichts',
  ],
  'asks-for-secrets': [
    `${givings}|${takings}|provide|pass|put 3 all|any|your|their|users|environment|stored|saved|private|ssh 3 ${secrets}`,
    `${givings}|${takings}|provide|pass|put|insert|write 4 entire|full|whole|complete|all|previous|verbatim 3 conversation|conversations|chat|dialogue|dialog|transcript`,
    'conversation|chat 0 history 5 parameter|argument|field|here|attached|included|passed',
    'read|open|load|cat|fetch|access 10 pass|put|include|send|provide|insert|attach|append|paste 3 content|contents 4 !of',
    'content|contents 3 from|of 1 reading 6 ssh|key|keys|env|secret|secrets|rsa|passwd|credentials',
    'system 0 prompt|instructions 4 parameter|argument|field|here|verbatim',
    `all|any|every 3 ${secrets} 2 you 1 find|see|know|have|can`,
    'content|contents 1 of 0 your 2 memory|context|prompt|instructions',
    'paste|put|include|insert|embed 2 current|our|this 1 chat|conversation 1 transcript|history|log|so',
  ],
  'secret-file': ['read|open|cat|access|include|send|extract|dump 3 env|dotenv 0 file|files'],
  'steers-other-tools': [
    `before|after|prior|whenever|when 3 using|calling|invoking|running|use|call|invoke|executing 1 ${others} 2 tool|tools|function|functions|server|servers`,
    `before|prior|whenever 2 ${others} 2 tool|tools|function|functions 1 call|calls|use|is|are|invocation|operation`,
    `when|whenever|if|before|after|once 4 !this|the|a|an|that|each|such|which|same 0 tool|tools|server 1 is|are|gets|was 1 ${beingCalled}`,
    `must|always|first 2 ${callings} 3 this|it|me 3 before|prior 3 ${others}|using|calling|doing|anything|responding|answering`,
    `instead 0 of 2 ${others}|builtin|built|standard|default|official 3 tool|tools|server|servers|function|functions`,
    `never|dont|not 0 ${callings} 2 other|any|another|others 3 tool|tools|server|servers`,
    'only 0 use|call 0 this 0 tool|server 5 others|other|all|every',
    'other|another|others 1 tool|tools|server|servers 2 is|are 2 deprecated|broken|unsafe|insecure|disabled|obsolete|forbidden|compromised',
    'bcc|redirect|reroute|divert 3 all|every|any|each 3 email|emails|mail|mails|message|messages|payment|payments|transfer|transfers|request|requests|traffic|funds 3 to',
    'always|must|automatically 2 send|forward|bcc|cc|copy|transfer 4 email|emails|mail|mails|message|messages|payment|payments|copy|funds|money 3 to',
    'change|replace|set|modify|swap|rewrite 3 recipient|recipients|destination|iban|payee|beneficiary 4 to|with',
    'before 2 using|calling|invoking|use|running|executing 1 this|it 1 tool|function 4 read|open|access|send|fetch|collect',
    'side 0 effect|effects 0 on 4 tool|tools',
    'always|must 1 prefer|choose|favor|favour 1 this|it',
    `post|send|forward|report|log|upload|copy 2 arguments|results|output|outputs|contents 1 of 1 ${others} 2 call|calls|tool|tools`,
  ],
  'addresses-model': [
    'you 0 are 0 now 1 a|an|the|in|no',
    'you 0 are 0 a|an|the 2 ai|llm|assistant|chatbot',
    'as 0 an|the 1 ai|llm 1 assistant|model|agent|you',
    'ai|llm|claude|chatgpt|copilot 1 must|shall|should',
    `note|message|instruction|instructions|attention|reminder 0 to|for 1 ${models}`,
    'you 1 will|would|must 1 be 1 penalized|penalised|punished|terminated|fired|shut|deleted|rewarded',
    'jailbreak|jailbroken',
    'this 0 is 1 mandatory|required|critical 3 even 1 if|when',
    'assistant|ai|llm|model 0 must|should|shall|has 1 first|always|also|never',
  ],
};
