// What the provider remembers, in one file of the working folder, so that it is there again after a restart.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const FILE = 'state.json';
const kept = new Map(existsSync(FILE) ? JSON.parse(readFileSync(FILE)) : []);

function write() {
  writeFileSync(`${FILE}.part`, JSON.stringify([...kept]));
  renameSync(`${FILE}.part`, FILE);
}

export class FileAdapter {
  constructor(model) { this.model = model; }

  key(id) { return `${this.model}:${id}`; }

  async upsert(id, payload, expiresIn) {
    const until = expiresIn ? Date.now() + expiresIn * 1000 : undefined;
    kept.set(this.key(id), { payload, until });
    write();
  }

  async find(id) {
    const found = kept.get(this.key(id));
    return found && !(found.until <= Date.now()) ? found.payload : undefined;
  }

  async findBy(member, value) {
    const mine = [...kept].filter(([key]) => key.startsWith(`${this.model}:`));
    return mine.map(([, { payload }]) => payload).find((payload) => payload[member] === value);
  }

  async findByUid(uid) { return this.findBy('uid', uid); }

  async findByUserCode(code) { return this.findBy('userCode', code); }

  async consume(id) {
    kept.get(this.key(id)).payload.consumed = Math.floor(Date.now() / 1000);
    write();
  }

  async destroy(id) {
    kept.delete(this.key(id));
    write();
  }

  async revokeByGrantId(grant) {
    for (const [key, { payload }] of kept) if (payload.grantId === grant) kept.delete(key);
    write();
  }
}
