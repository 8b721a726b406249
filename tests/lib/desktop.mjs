// A private desktop: its own X server, a window manager (without one no
// window has the focus, and Firefox keeps the microphone back), its own D-Bus session, dunst as
// notification daemon, a home folder of its own. Nothing of the person's session is read or touched, and everything that was
// started is ended with it.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './events.mjs';
import { Notifications } from './notifications.mjs';
import { end, firstLine, start } from './processes.mjs';

const run = promisify(execFile);

/** Where dunst draws, and so where a click lands: see `Notifications`. */
const SCREEN = { width: 1600, height: 1000 };

function dunstrc(menu) {
  return `[global]
    monitor = 0
    width = 380
    height = 300
    origin = top-right
    offset = 10x10
    font = Sans 10
    idle_threshold = 0
    history_length = 200
    enable_recursive_icon_lookup = false
    browser = /bin/true
    dmenu = ${menu}
    mouse_left_click = do_action, close_current
    mouse_middle_click = close_current
    mouse_right_click = context
    show_age_threshold = -1
    stack_duplicates = false
[urgency_low]
    timeout = 0
[urgency_normal]
    timeout = 0
[urgency_critical]
    timeout = 0
`;
}

const WINDOW_MANAGER = `<?xml version="1.0"?>
<JWM>
  <Desktops width="1" height="1"/>
  <FocusModel>click</FocusModel>
</JWM>
`;

export class Desktop {
  #children = [];

  /** Starts everything and waits until the notification daemon answers. */
  static async open({ sound = false } = {}) {
    const desktop = new Desktop();
    try {
      await desktop.#start(sound);
      return desktop;
    } catch (error) {
      await desktop.close();
      throw error;
    }
  }

  async #start(sound) {
    this.dir = mkdtempSync(join(tmpdir(), 'wakeline-desktop-'));
    this.logDir = join(this.dir, 'logs');
    const home = join(this.dir, 'home');
    const runtime = join(this.dir, 'run');
    for (const dir of [this.logDir, home, runtime]) mkdirSync(dir);
    chmodSync(runtime, 0o700);

    const xvfb = this.start('Xvfb', ['-displayfd', '3', '-screen', '0', `${SCREEN.width}x${SCREEN.height}x24`, '-nolisten', 'tcp'], {
      stdio: [, , , 'pipe'],
    });
    const bus = this.start('dbus-daemon', ['--session', '--nofork', '--nosyslog', '--print-address=3'], { stdio: [, , , 'pipe'] });
    const display = `:${await firstLine(xvfb.stdio[3], 'Xvfb')}`;
    const address = await firstLine(bus.stdio[3], 'dbus-daemon');

    const { WAYLAND_DISPLAY, XAUTHORITY, SESSION_MANAGER, ...inherited } = process.env;
    this.env = {
      ...inherited,
      DISPLAY: display,
      DBUS_SESSION_BUS_ADDRESS: address,
      HOME: home,
      XDG_RUNTIME_DIR: runtime,
      XDG_CONFIG_HOME: join(home, '.config'),
      XDG_CACHE_HOME: join(home, '.cache'),
      XDG_DATA_HOME: join(home, '.local/share'),
      NO_AT_BRIDGE: '1',
      GTK_A11Y: 'none',
      LANG: 'C.UTF-8',
    };

    // dunst's menu of actions asks a program which line to take: this one takes the line named in a file.
    const menu = join(this.dir, 'menu.sh');
    const choice = join(this.dir, 'choice');
    writeFileSync(menu, `#!/bin/sh\nexec grep -F -m1 -f '${choice}'\n`, { mode: 0o755 });
    const config = join(this.dir, 'dunstrc');
    writeFileSync(config, dunstrc(menu));

    const manager = join(this.dir, 'jwm.xml');
    writeFileSync(manager, WINDOW_MANAGER);
    this.start('jwm', ['-f', manager]);

    this.notifications = new Notifications({ desktop: this, choice, screen: SCREEN });
    await this.notifications.listen();
    this.start('dunst', ['-config', config]);
    await until(() => this.run('dunstctl', 'count', 'displayed').then(() => true, () => false), { what: 'dunst answers on the bus' });
    if (sound) await this.#startSound(runtime);
  }

  // A sound server without hardware: what is played goes nowhere, at the right speed.
  async #startSound(runtime) {
    const socket = join(runtime, 'sound');
    this.start('pulseaudio', [
      '-n', '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=-1', '--disable-shm=yes',
      '-L', 'module-null-sink sink_name=nowhere rate=48000',
      '-L', `module-native-protocol-unix socket=${socket} auth-anonymous=1`,
    ]);
    this.env.PULSE_SERVER = `unix:${socket}`;
    await until(() => this.run('pactl', 'info').then(() => true, () => false), { what: 'the sound server answers' });
  }

  /** Starts a process on this desktop; it ends with the desktop at the latest. */
  start(command, args, options = {}) {
    const child = start(command, args, { env: this.env ?? process.env, logDir: this.logDir, ...options });
    this.#children.push(child);
    return child;
  }

  /** Runs a command on this desktop and answers what it printed. */
  async run(command, ...args) {
    const { stdout } = await run(command, args, { env: this.env, encoding: 'utf8', timeout: 10_000 });
    return stdout.trim();
  }

  /** Keeps a picture of the whole screen. */
  async picture(file) {
    await this.run('import', '-window', 'root', file);
  }

  async close() {
    await Promise.all(this.#children.map((child) => end(child)));
    this.#children = [];
    if (this.dir && !process.env.WAKELINE_KEEP) rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}
