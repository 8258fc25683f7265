/** A row of a tree view, ready to be shown: views differ only in how they make these. */
export interface Row {
  /** Unique among its siblings; rows keep their folding by it. */
  readonly label: string;
  readonly description: string;
  /** Name of a codicon. */
  readonly icon: string;
  /** Theme colour of the icon; colour never carries the meaning alone. */
  readonly iconColor?: string;
  /** What `viewItem` is in the menus of package.json. */
  readonly context?: string;
  /** Read by a screen reader in place of label and description. */
  readonly accessibleLabel?: string;
  readonly children?: readonly Row[];
  /** Unfolded when first shown. */
  readonly open?: boolean;
}
