// Photos on their way: a preview each, made smaller where the browser can, uploaded while the resident still writes.

import { Failed, Refused, answer, sleep } from "./api.js";
import { element } from "./bubbles.js";

const MOST = 9;
const LONGEST_SIDE = 2048;
const SMALL_ENOUGH = 600_000; // bytes that are sent as they are

export class Photos {
  // tell(sentence); changed()
  constructor(tray, { tell, changed }) {
    Object.assign(this, { tray, tell, changed });
    this.list = [];
  }

  get waiting() {
    return this.list.length > 0;
  }

  add(files) {
    for (const file of files) {
      if (this.list.length >= MOST) {
        this.tell(`一次最多发 ${MOST} 张照片。`);
        break;
      }
      const photo = new Photo(file, () => this.remove(photo));
      this.list.push(photo);
      this.tray.append(photo.thumb);
      photo.done = photo.upload().catch((error) => {
        if (this.list.includes(photo)) {
          this.remove(photo);
          this.tell(error instanceof Refused ? error.sentence : "这张照片没有传上去，请再试一次。");
        }
        return null;
      });
    }
    this.show();
  }

  remove(photo) {
    photo.cancel();
    this.list = this.list.filter((each) => each !== photo);
    this.show();
  }

  // The keys of all that could be uploaded; the tray is empty afterwards.
  async take() {
    const list = this.list;
    const media = (await Promise.all(list.map((photo) => photo.done))).filter(Boolean);
    for (const photo of list) this.remove(photo);
    return media;
  }

  show() {
    this.tray.hidden = !this.waiting;
    this.changed();
  }
}

class Photo {
  constructor(file, remove) {
    this.file = file;
    this.url = URL.createObjectURL(file);
    const image = element("img");
    Object.assign(image, { src: this.url, alt: "要发的照片" });
    this.progress = element("progress");
    Object.assign(this.progress, { max: 1, value: 0 });
    this.progress.setAttribute("aria-label", "上传进度");
    const button = element("button", "", "✕");
    button.type = "button";
    button.setAttribute("aria-label", "不发这张");
    button.addEventListener("click", remove);
    this.thumb = element("div", "thumb", image, this.progress, button);
  }

  async upload() {
    const content = await smaller(this.file);
    for (let pause = 1000; !this.cancelled; pause = Math.min(pause * 2, 8000)) {
      try {
        const { key, url } = await this.send(content);
        this.progress.hidden = true;
        return { key, url, mime: "image/jpeg" };
      } catch (error) {
        if (!(error instanceof Failed) && !error.wait) throw error;
        await sleep(error.wait ? error.wait * 1000 : pause);
      }
    }
    return null;
  }

  send(content) {
    return new Promise((resolve, reject) => {
      const request = (this.request = new XMLHttpRequest()); // fetch tells nothing of its progress
      request.open("POST", "/api/photos");
      request.responseType = "json";
      request.upload.onprogress = (event) => event.lengthComputable && (this.progress.value = event.loaded / event.total);
      request.onerror = request.onabort = () => reject(new Failed("no answer"));
      request.onload = () => {
        try {
          resolve(answer(request.status, request.response, request.getResponseHeader("Retry-After")));
        } catch (error) {
          reject(error);
        }
      };
      request.send(content);
    });
  }

  cancel() {
    this.cancelled = true;
    this.request?.abort();
    this.thumb.remove();
    URL.revokeObjectURL(this.url);
  }
}

async function smaller(file) {
  if (file.size <= SMALL_ENOUGH) return file;
  try {
    const image = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(image.width * scale);
    canvas.height = Math.round(image.height * scale);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    image.close();
    const made = await new Promise((take) => canvas.toBlob(take, "image/jpeg", 0.85));
    return made && made.size < file.size ? made : file;
  } catch {
    return file; // the server makes it smaller, or says what is wrong with it
  }
}
