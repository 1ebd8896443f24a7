/** Fields of the JSON files that are made of metadata, of which a file may lack some. */

/** A field to spread; none if the value is undefined. */
export function optionalField<T>(name: string, value: T | undefined): Record<string, T> {
  return value === undefined ? {} : { [name]: value };
}
