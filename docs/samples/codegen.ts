import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "schema.graphql",
  documents: "src/**/*.ts",
  ignoreNoDocuments: true,
  generates: {
    "src/gql/": {
      preset: "client",
      config: {
        strictScalars: true,
        useTypeImports: true,
        scalars: { DateTime: "string", Decimal: "string", CurrencyCode: "string", JSON: "unknown" },
      },
    },
  },
};

export default config;
