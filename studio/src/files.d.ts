/** Styles, which the build takes care of. */
declare module "*.css";
