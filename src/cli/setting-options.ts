import type { Command } from 'commander';
import { type SettingInfo, settingHelp } from '../processes/setting-table.ts';

/** A flag for each setting of the table; those that are variables alone are told below. */
export function settingOptions(command: Command, table: readonly SettingInfo[]): Command {
  const hidden: string[] = [];
  for (const info of table) {
    if (info.flag) command.option(info.flag, settingHelp(info));
    else hidden.push(`  ${info.variable}  ${info.says}`);
  }
  return hidden.length > 0 ? command.addHelpText('after', `\nVariables without a flag:\n${hidden.join('\n')}`) : command;
}
